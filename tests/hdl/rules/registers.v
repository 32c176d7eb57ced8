// Rules of a register slave: see axi_rules.py.
module formal(
  input clk, input rst,
  input [11:0] aw_addr, input aw_valid, input [31:0] w_data, input [3:0] w_strb, input w_valid,
  input b_ready, input [11:0] ar_addr, input ar_valid, input r_ready, input [2:0] prot,
  input i_busy, input i_done, input [3:0] i_code, input [15:0] i_descriptor, input [31:0] count,
  output assumed,
  output answer_stays, output data_stay, output answered_once, output data_once, output takes,
  output prompt, output start_when_idle
);
  wire aw_ready, w_ready, b_valid, ar_ready, r_valid, o_start, o_abort, o_interrupt;
  wire [1:0] b_resp, r_resp;
  wire [31:0] r_data, o_descriptors;
  wire [63:0] o_image;
  wire [11:0] o_input_grid;
  registers dut(
    .clk(clk), .rst(rst), .o_start(o_start), .o_abort(o_abort), .o_image(o_image),
    .o_descriptors(o_descriptors), .o_input_grid(o_input_grid), .o_interrupt(o_interrupt),
    .i_busy(i_busy), .i_done(i_done), .i_error_code(i_code), .i_error_descriptor(i_descriptor),
    .i_cycles(count), .i_descriptors_done(count), .i_load_busy(count), .i_compute_busy(count),
    .i_store_busy(count), .i_compute_waits_load(count), .i_compute_waits_store(count),
    .i_load_waits_compute(count), .i_load_waits_store(count), .i_bytes_descriptors(count),
    .i_bytes_records(count), .i_bytes_weights(count), .i_bytes_activations(count),
    .i_bytes_side(count), .i_bytes_written(count),
    .s_axil_awaddr(aw_addr), .s_axil_awprot(prot), .s_axil_awvalid(aw_valid),
    .s_axil_awready(aw_ready), .s_axil_wdata(w_data), .s_axil_wstrb(w_strb),
    .s_axil_wvalid(w_valid), .s_axil_wready(w_ready), .s_axil_bresp(b_resp),
    .s_axil_bvalid(b_valid), .s_axil_bready(b_ready), .s_axil_araddr(ar_addr),
    .s_axil_arprot(prot), .s_axil_arvalid(ar_valid), .s_axil_arready(ar_ready),
    .s_axil_rdata(r_data), .s_axil_rresp(r_resp), .s_axil_rvalid(r_valid), .s_axil_rready(r_ready)
  );
  // Addresses, data and reads that have been taken and not answered.
  reg [1:0] addresses, data;
  reg reads;
  reg b_held, r_held, both, busy;
  reg [1:0] held_answer, held_resp;
  reg [31:0] held_data;
  always @(posedge clk) begin
    addresses <= rst ? 0 : addresses + (aw_valid && aw_ready) - (b_valid && b_ready);
    data <= rst ? 0 : data + (w_valid && w_ready) - (b_valid && b_ready);
    reads <= rst ? 0 : reads + (ar_valid && ar_ready) - (r_valid && r_ready);
    b_held <= !rst && b_valid && !b_ready;
    r_held <= !rst && r_valid && !r_ready;
    held_answer <= b_resp;
    held_resp <= r_resp;
    held_data <= r_data;
    both <= !rst && addresses != 0 && data != 0 && !b_valid;
    busy <= i_busy || o_start;
  end
  assign assumed = 1;
  assign answer_stays = !b_held || b_valid && b_resp == held_answer;
  assign data_stay = !r_held || r_valid && r_resp == held_resp && r_data == held_data;
  assign answered_once = !b_valid || addresses != 0 && data != 0;
  assign data_once = r_valid == reads && ar_ready == !reads;
  // One may wait behind the answer; what is free is taken at once.
  assign takes = aw_ready == (addresses == b_valid) && w_ready == (data == b_valid)
    && addresses <= 1 + b_valid && data <= 1 + b_valid;
  assign prompt = !both || b_valid;
  assign start_when_idle = (!o_start || !busy) && (!o_abort || busy);
endmodule
