/* Every function of the driver, without a network: an image of zeros is no descriptor. */
#include <stdio.h>
#include <string.h>

#include "afp_driver.h"
#include "simulated_platform.h"

static int failures;

static void check(int holds, const char *what, int line) {
    if (holds) return;
    printf("line %d: %s\n", line, what);
    ++failures;
}

#define CHECK(condition) check(condition, #condition, __LINE__)

/* Registers in memory, as an accelerator's would be mapped. */
static void mapped(void) {
    static uint32_t registers[0x400];
    struct afp_device device;
    afp_map(&device, registers);
    CHECK(afp_probe(&device) == AFP_NO_DEVICE);
    registers[AFP_HW_ID / 4] = AFP_HW_ID_RESET;
    CHECK(afp_probe(&device) == AFP_OTHER_DESIGN);
    CHECK(afp_poll(&device) == AFP_IDLE);
    CHECK(afp_start(&device, 0x123456780, 16, AFP_ON_DONE) == AFP_OK);
    CHECK(registers[AFP_HW_IMAGE_LOW / 4] == 0x23456780);
    CHECK(registers[AFP_HW_IMAGE_HIGH / 4] == 1);
    CHECK(registers[AFP_HW_DESCRIPTORS / 4] == 16);
    CHECK(registers[AFP_HW_INTERRUPT_ENABLE / 4] == AFP_ON_DONE);
    CHECK(registers[AFP_HW_CONTROL / 4] == AFP_HW_CONTROL_START_MASK);
    afp_set_input_grid(&device, -7);
    CHECK(registers[AFP_HW_INPUT_GRID / 4] == 0xff9);
    registers[AFP_HW_STATUS / 4] = AFP_HW_STATUS_BUSY_MASK;
    CHECK(afp_start(&device, 0, 0, 0) == AFP_BUSY);
    CHECK(registers[AFP_HW_IMAGE_HIGH / 4] == 1);
    CHECK(afp_wait(&device, 10) == AFP_BUSY);
    CHECK(afp_start(&device, 1, 0, 0) == AFP_MISALIGNED);
    CHECK(afp_start(&device, 0, 4, 0) == AFP_MISALIGNED);
}

int main(void) {
    struct afp_device device;
    struct afp_counters counters;
    uint64_t address;
    uint32_t descriptor = 99;

    mapped();
    if (!platform_open(&device, &address, 4096)) return 2;
    CHECK(afp_probe(&device) == AFP_OK);
    CHECK(afp_poll(&device) == AFP_IDLE);
    CHECK(afp_wait(&device, 10) == AFP_IDLE);
    CHECK(afp_error(&device, NULL) == AFP_HW_ERROR_CODE_NONE);

    /* A run that fails, watched by polling. */
    CHECK(afp_start(&device, address, 0, 0) == AFP_OK);
    CHECK(afp_poll(&device) == AFP_BUSY);
    CHECK(afp_start(&device, address, 0, 0) == AFP_BUSY);
    CHECK(afp_wait(&device, 1) == AFP_BUSY);
    CHECK(afp_wait(&device, 1000000) == AFP_FAILED);
    CHECK(afp_error(&device, &descriptor) == AFP_HW_ERROR_CODE_DESCRIPTOR);
    CHECK(descriptor == 0);
    CHECK(!platform_interrupted(100));
    CHECK(afp_interrupt(&device) == 0);
    CHECK(strstr(afp_error_text(AFP_HW_ERROR_CODE_DESCRIPTOR), "descriptor") != NULL);
    CHECK(strstr(afp_error_text(15), "does not know") != NULL);
    afp_read_counters(&device, &counters);
    CHECK(counters.cycles > 64 && counters.cycles < 1000);
    CHECK(counters.bytes_descriptors == 224 && counters.descriptors_done == 0);
    CHECK(counters.bytes_written == 0);

    /* Another one, which interrupts. */
    CHECK(afp_start(&device, address, 0, AFP_ON_DONE | AFP_ON_ERROR) == AFP_OK);
    CHECK(platform_interrupted(10000));
    CHECK(afp_interrupt(&device) == (AFP_ON_DONE | AFP_ON_ERROR));
    CHECK(!platform_interrupted(100));
    CHECK(afp_interrupt(&device) == 0);
    CHECK(afp_poll(&device) == AFP_FAILED);

    /* One that is given up. */
    CHECK(afp_start(&device, address, 0, AFP_ON_ERROR) == AFP_OK);
    afp_abort(&device);
    CHECK(afp_wait(&device, 1000000) == AFP_FAILED);
    CHECK(afp_error(&device, NULL) == AFP_HW_ERROR_CODE_ABORTED);
    CHECK(afp_interrupt(&device) == AFP_ON_ERROR);
    return failures != 0;
}
