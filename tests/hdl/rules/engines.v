// Rules of load engine and sequencer together: see engine_rules.py, which defines fields as ranges.
module formal(
  input clk, input rst,
  input i_start, input i_abort, input [255:0] i_data,
  input beat_comes, input beat_wrong, input computing_ends, input writing_ends, input write_wrong,
  output assumed, output sound,
  output asks, output waits, output bank, output one_at_a_time, output steps,
  output ahead, output to_store, output within, output last_of_all, output last_stored,
  output last_comes, output idle, output stopped,
  output promised, output ends, output told, output pending
);
  wire load_idle, wrong, valid, take, stop, read, busy, done, compute, store;
  wire compute_busy, store_busy;
  wire [2:0] segment;
  wire [15:0] loaded, computed, stored;
  wire [19:0] beats;
  wire [3:0] code;
  wire [1791:0] d, w, c, s;  // loading, waiting, computing, storing

  // The world: a read ends with its last beat, computations and writes some time or other.
  reg reading, read_done, read_error, running, writing, write_done, write_error;
  reg [19:0] left;
  wire taken = read && !reading;
  wire beat = beat_comes && reading;
  wire computing_over = computing_ends && running;
  wire writing_over = writing_ends && writing;
  always @(posedge clk) begin
    reading <= taken || reading && !(beat && left == 1);
    left <= taken ? beats : left - beat;
    read_done <= beat && left == 1;
    read_error <= read_error && !i_start || beat && beat_wrong;
    running <= compute || running && !computing_over;
    writing <= store || writing && !writing_over;
    write_done <= writing_over;
    write_error <= write_error && !i_start || writing_over && write_wrong;
    if (rst) begin
      reading <= 0; read_done <= 0; read_error <= 0; running <= 0;
      writing <= 0; write_done <= 0; write_error <= 0;
    end
  end

  load_engine load(
    .clk(clk), .rst(rst), .i_start(i_start), .i_stop(stop), .i_image(64'b0), .i_descriptors(32'b0),
    .i_computed(computed), .i_stored(stored), .o_read(read), .i_read_ready(!reading),
    .o_read_beats(beats), .i_read_done(read_done), .i_beat(beat), .i_data(i_data),
    .o_segment(segment), .o_loading(d), .o_valid(valid), .i_take(take), .o_descriptor(w),
    .o_loaded(loaded), .o_idle(load_idle), .o_wrong(wrong)
  );
  sequencer control(
    .clk(clk), .rst(rst), .i_start(i_start), .i_abort(i_abort), .o_busy(busy), .o_done(done),
    .o_error_code(code), .i_loaded_valid(valid), .i_loaded(w), .o_take(take),
    .i_load_idle(load_idle), .i_wrong(wrong), .o_stop(stop), .o_computing(c), .o_compute(compute),
    .i_computed(computing_over), .o_storing(s), .o_store(store), .i_write_ready(!writing),
    .i_write_done(write_done), .i_read_error(read_error), .i_write_error(write_error),
    .o_computed(computed), .o_stored(stored), .o_compute_busy(compute_busy),
    .o_store_busy(store_busy)
  );

  // What has been handed on: `fresh` is the first cycle of a run, or behind a reset.
  reg fresh;
  reg [15:0] was_loaded, was_computed, was_stored, was_to_store;
  wire handed_on = !fresh && loaded != was_loaded;
  wire [15:0] stores = fresh ? 16'd0 : was_to_store + (handed_on && w[`STORE]);
  always @(posedge clk) begin
    fresh <= rst || i_start;
    was_loaded <= loaded;
    was_computed <= computed;
    was_stored <= stored;
    was_to_store <= stores;
  end

  assign assumed = !(i_start && busy);
  // Waits are for what comes before, and there are fewer descriptors than waits can count.
  assign sound = loaded < 16'hff00 && (segment == 0 || d[`WAIT_COMPUTED] <= loaded
    && d[`WAIT_STORED] <= stores && d[`WAIT_BANK] <= stores);

  wire of_descriptor = segment == 0;
  wire late = segment == 3 || segment == 4;
  assign asks = !read || beats != 0;
  assign waits = !read || of_descriptor
    || computed >= d[`WAIT_COMPUTED] && (!late || stored >= d[`WAIT_STORED]);
  assign bank = !take || valid && !compute_busy && stored >= w[`WAIT_BANK];
  assign one_at_a_time = !(read && reading) && !(compute && running) && !(store && writing);
  wire [15:0] more_loaded = loaded - was_loaded, more_computed = computed - was_computed;
  wire [15:0] more_stored = stored - was_stored;
  assign steps = fresh || more_loaded <= 1 && more_computed <= 1 && more_stored <= 1;
  assign ahead = loaded - computed == valid + compute_busy;
  assign to_store = stores - stored
    == (valid && w[`STORE]) + (compute_busy && c[`STORE]) + store_busy;
  assign within = stores <= loaded && computed <= loaded && stored <= stores;
  assign last_of_all = (!valid || !w[`LAST] || load_idle)
    && (!compute_busy || !c[`LAST] || load_idle && !valid)
    && (!store_busy || !s[`LAST] || load_idle && !valid && !compute_busy);
  assign last_stored = (!valid || !w[`LAST] || w[`STORE])
    && (!compute_busy || !c[`LAST] || c[`STORE])
    && (of_descriptor || code != 0 || load_idle || !d[`LAST] || d[`STORE]);
  assign last_comes = !busy || code != 0 || !load_idle || valid && w[`LAST]
    || compute_busy && c[`LAST] || store_busy && s[`LAST];
  assign idle = busy || load_idle && !compute_busy && !store_busy && (!valid || stop)
    && !reading && !read_done && !running && !writing && !write_done;
  assign stopped = !stop || !read && !take;
  assign promised = !valid || w[`WAIT_BANK] <= stores - w[`STORE] && w[`STORE] <= stores;
  assign ends = !done || code != 0 || loaded == computed && stores - stored == 1;
  assign told = !done || code != 0 || !read_error && !write_error;
  assign pending = reading || running || writing;
endmodule
