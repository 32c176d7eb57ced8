// Rules of a write master: see axi_rules.py.
module formal(
  input clk, input rst,
  input i_valid, input [63:0] i_address, input [19:0] i_beats, input i_clear,
  input i_data_valid, input [63:0] i_data,
  input addr_ready, input w_ready, input b_valid, input [1:0] b_resp, input b_id,
  output assumed, output answers,
  output address_stays, output shape, output order, output limit, output data_stays,
  output data_behind_address, output last_at_end, output takes_data,
  output ready_when_idle, output done_when_over, output error_kept, output alive, output adds_up,
  output waits, output replied, output counted, output in_time, output finishes
);
  wire o_ready, o_done, o_error, addr_valid, addr_id, w_valid, w_last, b_ready, o_data_ready;
  wire [63:0] w_data, addr;
  wire [7:0] addr_len, w_strb;
  wire [2:0] addr_size, addr_prot;
  wire [1:0] addr_burst;
  wire [3:0] addr_cache;
  write_dma dut(
    .clk(clk), .rst(rst), .i_valid(i_valid), .o_ready(o_ready), .i_address(i_address),
    .i_beats(i_beats), .i_data_valid(i_data_valid), .o_data_ready(o_data_ready), .i_data(i_data),
    .o_done(o_done), .i_clear(i_clear), .o_error(o_error),
    .m_axi_awid(addr_id), .m_axi_awaddr(addr), .m_axi_awlen(addr_len), .m_axi_awsize(addr_size),
    .m_axi_awburst(addr_burst), .m_axi_awcache(addr_cache), .m_axi_awprot(addr_prot),
    .m_axi_awvalid(addr_valid), .m_axi_awready(addr_ready),
    .m_axi_wdata(w_data), .m_axi_wstrb(w_strb), .m_axi_wlast(w_last), .m_axi_wvalid(w_valid),
    .m_axi_wready(w_ready),
    .m_axi_bid(b_id), .m_axi_bresp(b_resp), .m_axi_bvalid(b_valid), .m_axi_bready(b_ready)
  );
  wire pass, reply, over, wrong;

`include "dma.vh"

  reg [1:0] unanswered;
  assign pass = w_valid && w_ready;
  assign reply = b_valid && b_ready;
  assign over = reply && to_ask == 0 && queued == 0 && unanswered == 1;
  assign wrong = reply && b_resp != 0;
  reg [2:0] reply_wait;
  reg [20:0] replies;
  reg given, w_held, held_last;
  reg [63:0] given_data, held_data;
  always @(posedge clk) begin
    unanswered <= rst ? 0 : unanswered + ends - reply;
    reply_wait <= !rst && unanswered != 0 && !reply ? reply_wait + 1 : 0;
    replies <= taken ? 0 : replies + reply;
    given <= !rst && i_data_valid && !o_data_ready;
    given_data <= i_data;
    w_held <= !rst && w_valid && !w_ready;
    held_data <= w_data;
    held_last <= w_last;
  end
  assign assumed = (!b_valid || unanswered != 0)
    && (!given || i_data_valid && i_data == given_data);
  assign answers = addr_wait <= 3 && pass_wait <= 3 && reply_wait <= 3;
  assign limit = queued + unanswered + addr_valid <= 2;
  assign data_stays = !w_held || w_valid && w_data == held_data && w_last == held_last;
  assign data_behind_address = !w_valid || queued != 0;
  assign last_at_end = !w_valid || w_last == (head == 1);
  assign takes_data = b_ready == run && (i_data_valid && o_data_ready) == pass
    && (!w_valid || w_data == i_data && w_strb == 255);
  assign alive = run ? addr_valid || queued != 0 || unanswered != 0 : unanswered == 0;
  assign waits = (!addr_valid || idle <= addr_wait) && (queued == 0 || idle <= pass_wait)
    && (unanswered == 0 || idle <= reply_wait);
  assign counted = !run || acts + to_pass == bursts + beats + replies;
  assign replied = !run || replies + queued + unanswered == bursts && replies <= bursts;
  assign finishes = !over || age < 6 * beats + 12;
endmodule
