/* What the tests' machine offers beside what afp_example.c asks of one. */
#ifndef SIMULATED_PLATFORM_H
#define SIMULATED_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#include "afp_driver.h"

uint8_t *platform_open(struct afp_device *device, uint64_t *bus_address, size_t bytes);

/* Let so many clock cycles pass, or as many as it takes to the interrupt: whether it is on. */
int platform_interrupted(long cycles);

#endif
