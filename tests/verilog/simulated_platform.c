/* The machine of the tests: memory, and the simulated accelerator in a shared object beside it. */
#include "simulated_platform.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATENCY = 64 };

static void *accelerator;
static uint32_t (*read_register)(void *, uint32_t);
static void (*write_register)(void *, uint32_t, uint32_t);
static int (*advance)(void *, int64_t);

static void find(void *library, const char *name, void *pointer) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "%s\n", dlerror());
        exit(EXIT_FAILURE);
    }
    memcpy(pointer, &found, sizeof found);
}

int platform_interrupted(long cycles) { return advance(accelerator, cycles); }

uint8_t *platform_open(struct afp_device *device, uint64_t *bus_address, size_t bytes) {
    void *library = dlopen(getenv("SIMULATOR"), RTLD_NOW);
    void *(*create)(void);
    void (*begin)(void *, uint8_t *, int64_t, int64_t, int64_t *, int64_t *, int64_t *, int64_t);
    uint8_t *memory = calloc(1, bytes);
    if (!library || !memory) return NULL;
    find(library, "accelerator_create", &create);
    find(library, "accelerator_begin", &begin);
    find(library, "accelerator_read", &read_register);
    find(library, "accelerator_write", &write_register);
    find(library, "accelerator_advance", &advance);
    accelerator = create();
    begin(accelerator, memory, (int64_t)bytes, LATENCY, NULL, NULL, NULL, 0);
    device->context = accelerator;
    device->read = read_register;
    device->write = write_register;
    *bus_address = 0;
    return memory;
}
