// Of both directions: a command, its addresses, and the bursts on their way before their last beat.
// `pass` is a beat of the command, `over` its end, `wrong` a response that is an error, `reply` a
// response of a burst.
  wire taken = i_valid && o_ready;
  wire nothing = taken && i_beats == 0;
  reg run;
  reg [63:0] next_address;
  reg [19:0] beats, to_ask, to_pass;
  reg [1:0] place;
  reg [2:0] head, behind;
  reg [1:0] queued;
  reg [20:0] bursts;
  wire [8:0] length = addr_len + 9'd1;
  wire ask = addr_valid && addr_ready;
  wire ends = pass && head == 1;

  always @(posedge clk) begin
    if (taken) begin
      beats <= i_beats;
      to_ask <= i_beats;
      to_pass <= i_beats;
      next_address <= {i_address[63:3], 3'b0};
      place <= i_address[4:3];
      bursts <= 0;
    end else begin
      if (ask) begin
        to_ask <= to_ask - length;
        next_address <= next_address + 8 * length;
        bursts <= bursts + 1;
      end
      if (pass) begin
        to_pass <= to_pass - 1;
        place <= place + 1;
      end
    end
    queued <= queued + ask - ends;
    head <= ends ? (queued == 2 ? behind : ask ? length : 0)
      : queued == 0 ? (ask ? length : 0) : head - pass;
    behind <= ends ? 0 : queued != 0 && ask ? length : behind;
    if (ends && queued == 2) behind <= ask ? length : 0;
    run <= run && !over || taken && !nothing;
    if (rst) begin
      run <= 0; to_ask <= 0; queued <= 0; head <= 0; behind <= 0;
    end
  end

  // An address that is not taken stays.
  reg held;
  reg [63:0] held_address;
  reg [7:0] held_length;
  always @(posedge clk) begin
    held <= !rst && addr_valid && !addr_ready;
    held_address <= addr;
    held_length <= addr_len;
  end
  assign address_stays = !held || addr_valid && addr == held_address && addr_len == held_length;

  wire [4:0] within_block = addr[4:3] + length;
  wire [13:0] within_page = addr[11:0] + 8 * length;
  assign shape = !addr_valid || addr_size == 3 && addr_burst == 1 && addr_id == 0
    && addr_cache == 3 && addr_prot == 0 && addr[2:0] == 0
    && length <= 4 && within_block <= 4 && within_page <= 4096;

  // Every beat of the command is asked for once, in order, in bursts as long as they may be.
  wire [2:0] room = 4 - next_address[4:3];
  assign order = !addr_valid
    || to_ask != 0 && addr == next_address && length == (to_ask < room ? to_ask : room);

  reg done, error;
  always @(posedge clk) begin
    done <= !rst && (over || nothing);
    error <= !rst && (error && !i_clear || wrong);
  end
  assign ready_when_idle = o_ready == !run;
  assign done_when_over = o_done == done;
  assign error_kept = o_error == error;

  // What has passed adds up: the queue is what was asked for, bursts end with their blocks.
  wire [20:0] asked = beats - to_ask;
  wire queue = queued == 0 ? head == 0 && behind == 0
    : head != 0 && head <= 4 && (queued == 1 ? behind == 0 : behind != 0 && behind <= 4);
  wire blocks = place + head <= 4 && (behind == 0 && to_ask == 0 || head == 0 || place + head == 4)
    && (behind == 0 || to_ask == 0 || behind == 4);
  wire [1:0] next_place = place + head + behind;
  assign adds_up = queued <= 2 && queue
    && (run ? to_pass == to_ask + head + behind && to_ask <= to_pass && to_pass <= beats && blocks
          && 4 * bursts <= asked + (to_ask != 0 ? 3 : 6) && (bursts == 0) == (asked == 0)
          && (bursts == 0 || to_ask == 0 || next_place == 0)
        : queued == 0 && to_ask == 0)
    && (to_ask == 0 || next_address[2:0] == 0 && next_address[4:3] == next_place);

  // Time since the command, and since something last passed on a channel.
  reg [23:0] age, acts;
  reg [7:0] idle;
  reg [2:0] addr_wait, pass_wait;
  wire act = ask || pass || reply;
  always @(posedge clk) begin
    age <= taken ? 0 : age + 1;
    acts <= taken ? 0 : acts + ask + pass + reply;
    idle <= taken || act ? 0 : idle + 1;
    addr_wait <= addr_valid && !addr_ready ? addr_wait + 1 : 0;
    pass_wait <= queued != 0 && !pass ? pass_wait + 1 : 0;
    if (rst) begin
      addr_wait <= 0; pass_wait <= 0;
    end
  end
  assign in_time = !run || idle <= 3 && age <= 4 * acts + idle;
