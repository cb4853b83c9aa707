/* See arena.h. */
#define _GNU_SOURCE
#include "arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)
/* A mapping is at least so wide: addresses only, until a page is touched. */
#define WIDE ((size_t)1 << 30)
/* The age of a piece none of whose pages is there. */
#define CLEAN INT64_MIN

typedef struct {
    char *start;
    size_t bytes;
    int64_t age;
} piece_t;

static piece_t *pieces = NULL;
static int64_t count = 0, room = 0;
static int64_t blocks = 0; /* that are out: each may come back as a piece */
static int64_t cached = 0;

static char *end_of(const piece_t *p) { return p->start + p->bytes; }

static int64_t dirty_bytes(const piece_t *p, size_t bytes) {
    return p->age == CLEAN ? 0 : (int64_t)bytes;
}

/* ---- the list -------------------------------------------------------------
 */

/* Room for one piece more than can come back, so that giving never fails. */
static int make_room(void) {
    const int64_t wanted = count + blocks + 2;
    if (wanted <= room) return 1;
    piece_t *more = realloc(pieces, (size_t)(2 * wanted) * sizeof *pieces);
    if (!more) return 0;
    pieces = more;
    room = 2 * wanted;
    return 1;
}

static void remove_pieces(int64_t first, int64_t n) {
    count -= n;
    memmove(pieces + first, pieces + first + n,
            (size_t)(count - first) * sizeof *pieces);
}

/* Pieces i and i + 1 become one, where they are neighbours of one age. */
static int merge(int64_t i) {
    if (i < 0 || i + 1 >= count) return 0;
    piece_t *p = pieces + i;
    if (end_of(p) != p[1].start || p->age != p[1].age) return 0;
    p->bytes += p[1].bytes;
    remove_pieces(i + 1, 1);
    return 1;
}

static void insert(piece_t piece) {
    int64_t i = count;
    while (i > 0 && pieces[i - 1].start > piece.start) i--;
    memmove(pieces + i + 1, pieces + i, (size_t)(count - i) * sizeof *pieces);
    pieces[i] = piece;
    count++;
    merge(i);
    merge(i - 1);
}

/* ---- a place for a block --------------------------------------------------
 */

/* Neighbouring pieces first … last hold a block, `fresh` bytes of it clean. */
typedef struct {
    int64_t first, last;
    size_t fresh;
} place_t;

/* The place that begins with piece `first`, or 0. */
static int place_at(int64_t first, size_t bytes, place_t *place) {
    size_t found = 0, fresh = 0;
    for (int64_t i = first; i < count; i++) {
        const piece_t *p = pieces + i;
        if (i > first && end_of(p - 1) != p->start) return 0;
        const size_t left = bytes - found;
        const size_t part = p->bytes < left ? p->bytes : left;
        if (p->age == CLEAN) fresh += part;
        found += part;
        if (found == bytes) {
            *place = (place_t){first, i, fresh};
            return 1;
        }
    }
    return 0;
}

static int best_place(size_t bytes, place_t *best) {
    int found = 0;
    place_t place;
    for (int64_t i = 0; i < count; i++) {
        if (!place_at(i, bytes, &place)) continue;
        if (!found || place.fresh < best->fresh) *best = place;
        found = 1;
        if (best->fresh == 0) break;
    }
    return found;
}

/* A block out of its place; the rest of the last piece stays. */
static void *cut(const place_t *place, size_t bytes) {
    char *start = pieces[place->first].start;
    piece_t *last = pieces + place->last;
    for (piece_t *p = pieces + place->first; p < last; p++)
        cached -= dirty_bytes(p, p->bytes);
    const size_t part = (size_t)(start + bytes - last->start);
    cached -= dirty_bytes(last, part);
    last->start += part;
    last->bytes -= part;
    const int64_t used = place->last - place->first + (last->bytes == 0);
    if (used) remove_pieces(place->first, used);
    blocks++;
    return start;
}

/* ---- the system -----------------------------------------------------------
 */

/* A mapping on huge pages: 2 MiB more than asked, cut where it does not align.
 */
static char *map(size_t bytes) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
    flags |= MAP_NORESERVE;
#endif
    char *raw =
        mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    char *start =
        (char *)(((uintptr_t)raw + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
    if (start > raw) munmap(raw, (size_t)(start - raw));
    const size_t rest = (size_t)(raw + HUGE_BYTES - start);
    if (rest) munmap(start + bytes, rest);
#ifdef MADV_HUGEPAGE
    madvise(start, bytes, MADV_HUGEPAGE);
#endif
    return start;
}

/* Addresses may be scarce (ulimit -v): what is free gives back its own. */
static void unmap_pieces(void) {
    for (int64_t i = count - 1; i >= 0; i--) {
        const piece_t *p = pieces + i;
        if (munmap(p->start, p->bytes)) continue;
        cached -= dirty_bytes(p, p->bytes);
        remove_pieces(i, 1);
    }
}

/* One more mapping, in which a block of so many bytes has a place. */
static int grow(size_t bytes) {
    const size_t least = (bytes + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
    size_t size = least < WIDE ? WIDE : least;
    char *start = map(size);
    if (!start && size > least) start = map(size = least);
    if (!start) {
        unmap_pieces();
        start = map(size = least);
    }
    if (start) insert((piece_t){start, size, CLEAN});
    return start != NULL;
}

/* ---- what is called -------------------------------------------------------
 */

void *pd_arena_take(size_t bytes) {
    place_t place;
    if (!make_room()) return NULL;
    if (!best_place(bytes, &place) &&
        !(grow(bytes) && best_place(bytes, &place)))
        return NULL;
    return cut(&place, bytes);
}

void pd_arena_give(void *memory, size_t bytes, int64_t age) {
    blocks--;
    cached += (int64_t)bytes;
    insert((piece_t){memory, bytes, age});
}

void pd_arena_trim(int64_t age) {
    for (int64_t i = 0; i < count; i++) {
        piece_t *p = pieces + i;
        if (p->age == CLEAN || p->age >= age) continue;
        if (madvise(p->start, p->bytes, MADV_DONTNEED)) continue;
        cached -= (int64_t)p->bytes;
        p->age = CLEAN;
    }
    for (int64_t i = 0; i + 1 < count;)
        if (!merge(i)) i++;
}

int64_t pd_arena_cached(void) { return cached; }
