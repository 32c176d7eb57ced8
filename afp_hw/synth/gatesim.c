/* Bit-parallel gate-level simulator: a levelised netlist on vectors, one bit a lane.
 * Zero delay: inputs and flip-flops change with the clock edge, the logic settles, and each net
 * that differs from the cycle before counts as one toggle. Words between @ are filled in. */

#include <stdint.h>
#include <string.h>
#if defined(__AVX512VPOPCNTDQ__)
#include <immintrin.h>
#endif

enum { NETS = @NETS@, INPUTS = @INPUTS@, OUTPUTS = @OUTPUTS@, WORDS = @WORDS@ };

typedef uint64_t vec __attribute__((vector_size(8 * WORDS)));

static const int32_t input_net[INPUTS + 1] = {@INPUT_NETS@};
static const int32_t output_net[OUTPUTS + 1] = {@OUTPUT_NETS@};

static inline vec ones(vec x)
{
    vec n;
#if defined(__AVX512VPOPCNTDQ__)
    if (WORDS == 8) {
        __m512i counted = _mm512_popcnt_epi64(*(__m512i *)&x);
        memcpy(&n, &counted, sizeof n);
        return n;
    }
#endif
    for (int i = 0; i < WORDS; i++)
        n[i] = (uint64_t)__builtin_popcountll(x[i]);
    return n;
}

#define S(NET) s[NET]
#define Q(FLIP_FLOP) q[FLIP_FLOP]
#define SET(NET, VALUE)                  \
    do {                                 \
        vec new_ = (VALUE);              \
        c[NET] += ones((new_ ^ s[NET]) & m); \
        s[NET] = new_;                   \
    } while (0)

/* The coming edge passes a clock gate: up and down again before the next. */
#define PULSE(NET, ENABLE) c[NET] += 2 * ones((ENABLE) & m)

/* s: value of each net; c: toggles of each net; q: state of each flip-flop; m: lanes in use. */
@PARTS@

/* One cycle after the other for one vector of lanes. in [cycles][INPUTS][words],
 * out [cycles][OUTPUTS][words]; only WORDS words of each row are this vector's. */
static void run_vector(vec *restrict s, vec *restrict c, vec *restrict q, vec m,
                       const uint64_t *in, uint64_t *out, int64_t cycles, int64_t words)
{
    for (int64_t t = 0; t < cycles; t++) {
        for (int i = 0; i < INPUTS; i++) {
            vec value;
            memcpy(&value, in + (t * INPUTS + i) * words, sizeof value);
            SET(input_net[i], value);
        }
@CALLS@
        for (int i = 0; i < OUTPUTS; i++)
            memcpy(out + (t * OUTPUTS + i) * words, &s[output_net[i]], sizeof(vec));
    }
}

/* state: (NETS + flip-flops) vectors for each of words / WORDS vectors of lanes, aligned; count:
 * NETS vectors, aligned; mask [words]. */
void run(uint64_t *state, uint64_t *count, const uint64_t *mask, const uint64_t *in,
         uint64_t *out, int64_t cycles, int64_t words)
{
    const int64_t size = NETS + @FLIP_FLOPS@;
    for (int64_t w = 0; w < words; w += WORDS) {
        vec *s = (vec *)state + w / WORDS * size, m;
        memcpy(&m, mask + w, sizeof m);
        memset(&s[0], 0, sizeof(vec));
        memset(&s[1], 255, sizeof(vec));
        run_vector(s, (vec *)count, s + NETS, m, in + w, out + w, cycles, words);
    }
}
