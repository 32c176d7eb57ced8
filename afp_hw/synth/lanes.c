/* Lanes as bit planes, at the end of every simulator's source. */

#include <stdint.h>
#include <string.h>

/* Bit b of the byte of lane i of each row becomes bit i of plane b: codes [rows][64 * words],
 * planes: row r, plane b at planes + r * stride + b * words. */
void transpose(const uint8_t *codes, uint64_t *planes, int64_t rows, int64_t words, int64_t bits,
               int64_t stride)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t w = 0; w < words; w++) {
            uint64_t eight[8];
            memcpy(eight, codes + (r * words + w) * 64, 64);
            for (int64_t b = 0; b < bits; b++) {
                uint64_t plane = 0;
                for (int i = 0; i < 8; i++) {
                    /* The multiplication gathers bit 0 of the eight bytes in the top byte. */
                    uint64_t low = (eight[i] >> b) & 0x0101010101010101u;
                    plane |= (low * 0x0102040810204080u >> 56) << (8 * i);
                }
                planes[r * stride + b * words + w] = plane;
            }
        }
}
