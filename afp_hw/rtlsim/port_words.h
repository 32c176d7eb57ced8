// Values into and out of ports of any width: Verilator's classes have 8, 16, 32 or 64 bits, and
// beyond that arrays of 32-bit words.
#pragma once

#include <cstddef>
#include <cstdint>

#include "verilated.h"

// Codes of LANES lanes into a port, lane 0 in the least significant bits.
template <int WIDTH, class Port>
void put_codes(Port& port, const uint16_t* codes, int lanes) {
    uint64_t word = 0;
    for (int lane = 0; lane < lanes; ++lane) word |= uint64_t{codes[lane]} << (lane * WIDTH);
    port = static_cast<Port>(word);
}

template <int WIDTH, std::size_t WORDS>
void put_codes(VlWide<WORDS>& port, const uint16_t* codes, int lanes) {
    for (std::size_t word = 0; word < WORDS; ++word) port[word] = 0;
    for (int lane = 0; lane < lanes; ++lane) {
        const int at = lane * WIDTH, shift = at % 32;
        port[at / 32] |= uint32_t{codes[lane]} << shift;
        if (shift + WIDTH > 32) port[at / 32 + 1] |= uint32_t{codes[lane]} >> (32 - shift);
    }
}

// Two's complement in 64-bit words, least significant first, into a port and out of one.
template <int WIDTH, class Port>
void put_words(Port& port, const int64_t* words) {
    port = static_cast<Port>(static_cast<uint64_t>(words[0]) & (~uint64_t{0} >> (64 - WIDTH)));
}

template <int WIDTH, std::size_t WORDS>
void put_words(VlWide<WORDS>& port, const int64_t* words) {
    for (std::size_t word = 0; word < WORDS; ++word) {
        const uint64_t both = static_cast<uint64_t>(words[word / 2]);
        port[word] = static_cast<uint32_t>(both >> (word % 2 * 32));
    }
    if (WIDTH % 32) port[WORDS - 1] &= (uint32_t{1} << WIDTH % 32) - 1;
}

inline int64_t extend(uint64_t value, int width) {
    return static_cast<int64_t>(value << (64 - width)) >> (64 - width);
}

template <int WIDTH, class Port>
void get_words(const Port& port, int64_t* words) {
    words[0] = extend(port, WIDTH);
}

template <int WIDTH, std::size_t WORDS>
void get_words(const VlWide<WORDS>& port, int64_t* words) {
    for (int word = 0; word < (WIDTH + 63) / 64; ++word) {
        uint64_t value = port[2 * word];
        if (2 * word + 1 < static_cast<int>(WORDS)) value |= uint64_t{port[2 * word + 1]} << 32;
        words[word] = static_cast<int64_t>(value);
    }
    if (WIDTH % 64) words[WIDTH / 64] = extend(words[WIDTH / 64], WIDTH % 64);
}
