/* Bit-parallel gate-level simulator with delays: one bit a lane, events for whole vectors of lanes.
 *
 * A driver is what drives one net: a cell's output, an input, a flip-flop's output. Each has two
 * queues, of coming rises and falls. A lane whose function begins to differ from its net enters one
 * of them and is due a delay later; it toggles if it still differs and has differed ever since. A
 * queue's delay is constant, so what enters last is due last, and each entry has a tick of its own.
 * Words between @ are filled in. */

#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

enum { NETS = @NETS@, INPUTS = @INPUTS@, OUTPUTS = @OUTPUTS@, WORDS = @WORDS@ };
/* Drivers: logic first, then inputs, then flip-flops. WHEEL ticks, a power of two, exceed every
 * delay. SLOTS is the length of all queues together. */
enum { LOGIC = @LOGIC@, DRIVERS = @DRIVERS@, WHEEL = @WHEEL@, SLOTS = @SLOTS@ };
/* Binary digits of a lane's count of toggles in a cycle; 0 where lanes are not counted apart. */
enum { DIGITS = @DIGITS@ };
enum { EVENT_WORDS = 2 * DRIVERS / 64 + 1, LOGIC_WORDS = LOGIC / 64 + 1 };

/* Compilers handle vectors well only up to what the processor's registers hold. */
enum { WIDTH = WORDS < 4 ? WORDS : 4, PARTS = WORDS / WIDTH };

typedef uint64_t part __attribute__((vector_size(8 * WIDTH)));
typedef struct {
    part part[PARTS];
} vec;

#define EACH_PART _Pragma("GCC unroll 8") for (int i = 0; i < PARTS; i++)
#define S(NET) s[NET].part[i]
#define Q(FLIP_FLOP) q[FLIP_FLOP].part[i]

static const int32_t output_net[OUTPUTS + 1] = {@OUTPUT_NETS@};
static const int32_t driven_net[DRIVERS + 1] = {@DRIVEN_NETS@};
/* Nets of the inputs of each logic driver, and which logic each net goes to. */
static const int32_t pins[] = {@PINS@};
static const int32_t followers_of[DRIVERS + 1] = {@FOLLOWERS_OF@};
static const int32_t followers[] = {@FOLLOWERS@};
/* Of queue 2 * driver + edge, edge 0 for rise: delay in ticks, first slot, number of slots - 1. */
static const int32_t delay[2 * DRIVERS + 1] = {@DELAYS@};
static const int32_t first_slot[2 * DRIVERS + 1] = {@FIRST_SLOTS@};
static const int32_t last_slot[2 * DRIVERS + 1] = {@LAST_SLOTS@};

struct driver {
    vec differs;   /* lanes whose function differs from the net */
    vec queued[2]; /* lanes in the queues */
};

/* Empty between cycles. */
struct events {
    struct driver driver[DRIVERS];
    vec slot[SLOTS];
    uint32_t head[2 * DRIVERS], tail[2 * DRIVERS];
    uint64_t wheel[WHEEL][EVENT_WORDS]; /* queues with lanes due, by tick */
    uint64_t busy[WHEEL / 64];          /* ticks with any */
    uint64_t changed[LOGIC_WORDS];      /* logic whose inputs changed in this tick */
    int64_t outstanding;
    vec lane_count[DIGITS + 1]; /* toggles of each lane in this cycle, one vector a digit */
};

const int64_t events_bytes = sizeof(struct events);

static inline int any(vec x)
{
    part all = x.part[0];
    for (int i = 1; i < PARTS; i++)
        all |= x.part[i];
#if defined(__AVX2__)
    if (WIDTH == 4)
        return !_mm256_testz_si256(*(__m256i *)&all, *(__m256i *)&all);
#endif
    uint64_t word = 0;
    for (int i = 0; i < WIDTH; i++)
        word |= all[i];
    return word != 0;
}

static inline int64_t ones(part x)
{
    int64_t n = 0;
    for (int i = 0; i < WIDTH; i++)
        n += __builtin_popcountll(x[i]);
    return n;
}

/* One more toggle in each of these lanes. */
static inline void count_lanes(struct events *restrict e, vec carry)
{
    for (int digit = 0; digit < DIGITS && any(carry); digit++)
        EACH_PART {
            const part sum = e->lane_count[digit].part[i] ^ carry.part[i];
            carry.part[i] &= e->lane_count[digit].part[i];
            e->lane_count[digit].part[i] = sum;
        }
}

static inline __attribute__((always_inline)) void enqueue(struct events *restrict e, int queue,
                                                          vec lanes, int tick)
{
    if (!any(lanes))
        return;
    vec *queued = &e->driver[queue / 2].queued[queue % 2], again;
    EACH_PART again.part[i] = lanes.part[i] & queued->part[i];
    if (any(again)) /* swallowed, and back before they were due: the earlier entries are void */
        for (uint32_t j = e->head[queue]; j != e->tail[queue]; j++)
            EACH_PART e->slot[first_slot[queue] + (j & last_slot[queue])].part[i] &= ~again.part[i];
    vec *slot = &e->slot[first_slot[queue] + (e->tail[queue]++ & last_slot[queue])];
    EACH_PART {
        queued->part[i] |= lanes.part[i];
        slot->part[i] = lanes.part[i];
    }
    const uint32_t due = (uint32_t)(tick + delay[queue]) % WHEEL;
    e->wheel[due][queue / 64] |= 1ull << queue % 64;
    e->busy[due / 64] |= 1ull << due % 64;
    e->outstanding++;
}

/* The function of a driver has this value from `tick` on. */
static __attribute__((noinline)) void decide(struct events *restrict e, const vec *restrict s,
                                             int driver, const vec *function, int tick)
{
    struct driver *d = &e->driver[driver];
    vec fresh, rises, falls;
    EACH_PART {
        const part value = function->part[i], differs = value ^ S(driven_net[driver]);
        fresh.part[i] = differs & ~d->differs.part[i];
        rises.part[i] = fresh.part[i] & value;
        falls.part[i] = fresh.part[i] & ~value;
        d->differs.part[i] = differs;
    }
    if (any(fresh)) {
        enqueue(e, 2 * driver, rises, tick);
        enqueue(e, 2 * driver + 1, falls, tick);
    }
}

/* Lanes at the head of a queue are due. */
static inline void toggle(struct events *restrict e, vec *restrict s, int64_t *restrict c, vec m,
                          int queue)
{
    struct driver *d = &e->driver[queue / 2];
    const vec *slot = &e->slot[first_slot[queue] + (e->head[queue]++ & last_slot[queue])];
    const int net = driven_net[queue / 2];
    e->outstanding--;
    vec lanes;
    EACH_PART {
        d->queued[queue % 2].part[i] ^= slot->part[i];
        lanes.part[i] = slot->part[i] & d->differs.part[i];
    }
    if (!any(lanes))
        return;
    EACH_PART {
        d->differs.part[i] ^= lanes.part[i];
        S(net) ^= lanes.part[i];
        c[net] += ones(lanes.part[i] & m.part[i]);
    }
    count_lanes(e, lanes);
    for (int i = followers_of[queue / 2]; i < followers_of[queue / 2 + 1]; i++)
        e->changed[followers[i] / 64] |= 1ull << followers[i] % 64;
}

static inline void toggle_due(struct events *restrict e, vec *restrict s, int64_t *restrict c,
                              vec m, int due)
{
    for (int w = 0; w < EVENT_WORDS; w++) {
        uint64_t left = e->wheel[due][w];
        e->wheel[due][w] = 0;
        for (; left; left &= left - 1)
            toggle(e, s, c, m, 64 * w + __builtin_ctzll(left));
    }
    e->busy[due / 64] ^= 1ull << due % 64;
}

/* Bits of word `w` that stand for drivers from `first` to before `end`. */
static inline uint64_t span(int first, int end, int w)
{
    uint64_t bits = ~0ull;
    if (first > 64 * w)
        bits &= ~0ull << (first - 64 * w);
    if (end < 64 * w + 64)
        bits &= ~0ull >> (64 * w + 64 - end);
    return bits;
}

/* All changed drivers of one function, of INS inputs whose nets n begin at pins[AT]. */
#define KIND(FIRST, END, AT, INS, FUNCTION)                              \
    for (int w = (FIRST) / 64; w <= ((END) - 1) / 64; w++) {             \
        uint64_t left = e->changed[w] & span(FIRST, END, w);             \
        e->changed[w] ^= left;                                           \
        for (; left; left &= left - 1) {                                 \
            const int driver = 64 * w + __builtin_ctzll(left);           \
            const int32_t *n = pins + AT + (driver - (FIRST)) * INS;     \
            (void)n;                                                     \
            vec function;                                                \
            EACH_PART function.part[i] = FUNCTION;                       \
            decide(e, s, driver, &function, tick);                       \
        }                                                                \
    }

static void evaluate(struct events *restrict e, const vec *restrict s, int tick)
{
@KINDS@
}

/* The next tick that has lanes due; there is one. */
static inline int next_tick(const struct events *e, int tick)
{
    const int from = (tick + 1) % WHEEL;
    uint64_t bits = e->busy[from / 64] & ~0ull << from % 64;
    int word = from / 64;
    while (!bits) {
        word = (word + 1) % (WHEEL / 64);
        bits = e->busy[word];
    }
    const int due = 64 * word + __builtin_ctzll(bits);
    return tick + 1 + (due - from + WHEEL) % WHEEL;
}

/* The coming edge passes a clock gate: up and down again before the next. */
#define PULSE(NET, ENABLE)                                    \
    do {                                                      \
        const int64_t twice = 2 * ones((ENABLE) & m.part[i]); \
        c[NET] += twice;                                      \
        c[NETS + NET] += twice;                               \
    } while (0)

static void next_states(const vec *restrict s, int64_t *restrict c, vec *restrict q, vec m)
{
    EACH_PART {
@NEXT_STATES@
    }
}

/* The clock edge: what drives the output of a flip-flop gets its new value. */
#define LAUNCH(DRIVER, VALUE)                   \
    do {                                        \
        vec function;                           \
        EACH_PART function.part[i] = VALUE;     \
        decide(e, s, DRIVER, &function, 0);     \
    } while (0)

static void launch(struct events *restrict e, const vec *restrict s, const vec *restrict q)
{
@LAUNCHES@
}

/* Toggles between the values in which nets settle, p in the cycle before. */
static void count_settled(const vec *restrict s, vec *restrict p, int64_t *restrict c, vec m)
{
    for (int net = 2; net < NETS; net++)
        EACH_PART {
            c[net] += ones((s[net].part[i] ^ p[net].part[i]) & m.part[i]);
            p[net].part[i] = s[net].part[i];
        }
}

/* One cycle after the other for one vector of lanes: as in the simulator without delays. */
static void run_vector(struct events *restrict e, vec *restrict s, int64_t *restrict c,
                       vec *restrict q, vec *restrict p, vec m, const uint64_t *in, uint64_t *out,
                       uint64_t *counts, int64_t cycles, int64_t words)
{
    for (int64_t t = 0; t < cycles; t++) {
        memset(e->lane_count, 0, sizeof e->lane_count);
        for (int i = 0; i < INPUTS; i++) {
            vec value;
            memcpy(&value, in + (t * INPUTS + i) * words, sizeof value);
            decide(e, s, LOGIC + i, &value, 0);
        }
        launch(e, s, q);
        int tick = 0;
        evaluate(e, s, tick);
        while (e->outstanding) {
            tick = next_tick(e, tick);
            toggle_due(e, s, c, m, tick % WHEEL);
            evaluate(e, s, tick);
        }
        for (int i = 0; i < OUTPUTS; i++)
            memcpy(out + (t * OUTPUTS + i) * words, &s[output_net[i]], sizeof(vec));
        for (int i = 0; i < DIGITS; i++)
            memcpy(counts + (t * DIGITS + i) * words, &e->lane_count[i], sizeof(vec));
        count_settled(s, p, c + NETS, m);
        next_states(s, c, q, m);
    }
}

/* state: (2 NETS + flip-flops) vectors for each of words / WORDS vectors of lanes, aligned; count
 * [2][NETS], with glitches and without; mask [words]; events: events_bytes of zeros, aligned;
 * first: whether nothing ran yet; lanes [cycles][DIGITS][words]. */
void run(uint64_t *state, int64_t *count, const uint64_t *mask, void *events, int64_t first,
         const uint64_t *in, uint64_t *out, uint64_t *lanes, int64_t cycles, int64_t words)
{
    struct events *e = events;
    for (int64_t w = 0; w < words; w += WORDS) {
        vec *s = (vec *)state + w / WORDS * (2 * NETS + @FLIP_FLOPS@), m;
        memcpy(&m, mask + w, sizeof m);
        memset(&s[0], 0, sizeof(vec));
        memset(&s[1], 255, sizeof(vec));
        for (int i = 0; first && i < LOGIC_WORDS; i++)
            e->changed[i] = span(0, LOGIC, i);
        run_vector(e, s, count, s + 2 * NETS, s + NETS, m, in + w, out + w, lanes + w,
                   cycles, words);
    }
}

