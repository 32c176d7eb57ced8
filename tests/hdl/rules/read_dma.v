// Rules of a read master: see axi_rules.py.
module formal(
  input clk, input rst,
  input i_valid, input [63:0] i_address, input [19:0] i_beats, input i_clear,
  input addr_ready,
  input r_valid, input [63:0] r_data, input [1:0] r_resp, input r_last, input r_id,
  output assumed, output answers,
  output address_stays, output shape, output order, output limit, output takes_data,
  output ready_when_idle, output done_when_over, output error_kept, output alive, output adds_up,
  output waits, output replied, output counted, output in_time, output finishes
);
  wire o_ready, o_valid, o_done, o_error, addr_valid, addr_id, r_ready;
  wire [63:0] o_data, addr;
  wire [7:0] addr_len;
  wire [2:0] addr_size, addr_prot;
  wire [1:0] addr_burst;
  wire [3:0] addr_cache;
  read_dma dut(
    .clk(clk), .rst(rst), .i_valid(i_valid), .o_ready(o_ready), .i_address(i_address),
    .i_beats(i_beats), .o_valid(o_valid), .o_data(o_data), .o_done(o_done), .i_clear(i_clear),
    .o_error(o_error), .m_axi_arid(addr_id), .m_axi_araddr(addr), .m_axi_arlen(addr_len),
    .m_axi_arsize(addr_size), .m_axi_arburst(addr_burst), .m_axi_arcache(addr_cache),
    .m_axi_arprot(addr_prot), .m_axi_arvalid(addr_valid), .m_axi_arready(addr_ready),
    .m_axi_rid(r_id), .m_axi_rdata(r_data), .m_axi_rresp(r_resp), .m_axi_rlast(r_last),
    .m_axi_rvalid(r_valid), .m_axi_rready(r_ready)
  );
  wire pass, reply, over, wrong;

`include "dma.vh"

  assign pass = r_valid && r_ready;
  assign reply = 0;
  assign over = pass && to_pass == 1;
  assign wrong = pass && r_resp != 0;
  assign assumed = !r_valid || queued != 0;
  assign answers = addr_wait <= 3 && pass_wait <= 3;
  assign limit = queued + addr_valid <= 2;
  assign takes_data = r_ready == run && o_valid == pass && (!o_valid || o_data == r_data);
  assign alive = !run || addr_valid || queued != 0;
  assign waits = (!addr_valid || idle <= addr_wait) && (queued == 0 || idle <= pass_wait);
  assign replied = 1;
  assign counted = !run || acts + to_pass == bursts + beats;
  assign finishes = !over || age < 5 * beats + 6;
endmodule
