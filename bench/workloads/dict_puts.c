/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dict_puts.c - every worker puts values of its own under keys that all share, each key drawn from its worker's
 * sequence.
 *
 * A value is an element of elements.h: it says who put it, as which of his puts, and whether it is whole. Each worker
 * notes, in memory that only it writes, its last put to each key. Proof: of every key in the final snapshot the value
 * is whole and is the last that its worker put there; a key is there exactly when somebody put it; and no put was told
 * that its key was new when its worker had put it before. */
#include "bench/ipc/memory.h"
#include "bench/ipc/work.h"
#include "bench/workload.h"
#include "bench/workloads/elements.h"
#include "bench/workloads/sequence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS         1024
#define KEY_SIZE     sizeof(uint64_t)
#define AUTO_ENTRIES 256
#define AUTO_BYTES   65536

/* Its worker's only; the parent reads and clears it between windows. */
struct dict_tally {
    _Alignas(LINE_APART) uint64_t last[KEYS]; /* the sequence number of its last put, plus one; 0: none */
    uint64_t stale;                           /* puts told that their key was new, which it was not */
};

struct dict_run {
    struct object *dict;
    size_t chunk, payload, entry, workers;
    uint64_t cost, seed;
    unsigned char *entries;   /* each process's own copy */
    uint64_t *were;           /* likewise */
    unsigned char *snapshot;  /* the parent's */
    struct dict_tally *tally; /* shared; per worker */
};

static uint64_t dict_chunk_auto(const struct parameters *p)
{
    uint64_t fit = AUTO_BYTES / (p->payload + KEY_SIZE);
    return fit < 1 ? 1 : fit < AUTO_ENTRIES ? fit : AUTO_ENTRIES;
}

static void dict_release(void *ctx)
{
    struct dict_run *run = ctx;
    if (!run)
        return;
    memory_free(run->entries, run->chunk * run->entry);
    memory_free(run->were, run->chunk * sizeof *run->were);
    memory_free(run->snapshot, KEYS * run->entry);
    memory_free(run->tally, run->workers * sizeof *run->tally);
    free(run);
}

static int dict_prepare(const struct parameters *p, struct setup *setup, struct error *error)
{
    struct dict_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_system(error, "no memory for the workload");
    *run = (struct dict_run){.chunk = p->chunk,
                             .payload = p->payload,
                             .entry = KEY_SIZE + p->payload,
                             .workers = p->workers,
                             .cost = p->cost,
                             .seed = p->seed};
    run->entries = memory_private(run->chunk * run->entry);
    run->were = memory_private(run->chunk * sizeof *run->were);
    run->snapshot = memory_private(KEYS * run->entry);
    run->tally = memory_shared(run->workers * sizeof *run->tally);
    if (!run->entries || !run->were || !run->snapshot || !run->tally) {
        error_system(error, "no memory for chunks of %zu entries", run->chunk);
        dict_release(run);
        return -1;
    }
    setup->ctx = run;
    return 0;
}

static int dict_objects(struct pool *pool, struct error *error)
{
    struct dict_run *run = pool_context(pool);
    run->dict = dict_new(pool, KEY_SIZE, run->payload, KEYS, error);
    return run->dict ? 0 : -1;
}

static uint64_t dict_grain(const void *ctx)
{
    return ((const struct dict_run *)ctx)->chunk;
}

/* A key is a multiple of an odd number, so that all its bytes count; and back. */
#define KEY_FACTOR  UINT64_C(0x9e3779b97f4a7c15)
#define KEY_INVERSE UINT64_C(0xf1de83e19937733d)

static uint64_t key_of(uint64_t index)
{
    return (index + 1) * KEY_FACTOR;
}

static uint64_t index_of(uint64_t key)
{
    return key * KEY_INVERSE - 1;
}

static uint64_t draw(const struct dict_run *run, uint32_t slot, uint64_t sequence)
{
    return sequence_draw(run->seed, slot, sequence) % KEYS;
}

static void fill_chunk(const struct dict_run *run, uint32_t slot, uint64_t first)
{
    unsigned char *entry = run->entries;
    for (size_t i = 0; i < run->chunk; i++, entry += run->entry) {
        uint64_t key = key_of(draw(run, slot, first + i));
        memcpy(entry, &key, sizeof key);
        elements_fill(entry + KEY_SIZE, 1, run->payload, slot, first + i);
    }
}

static void tally_chunk(const struct dict_run *run, uint32_t slot, uint64_t first)
{
    struct dict_tally *own = &run->tally[slot];
    for (size_t i = 0; i < run->chunk; i++) {
        uint64_t *last = &own->last[draw(run, slot, first + i)];
        own->stale += *last && !run->were[i];
        *last = first + i + 1;
    }
}

static int64_t dict_step(struct worker *w, void *ctx, size_t n)
{
    struct dict_run *run = ctx;
    for (size_t i = 0; i < n; i++) {
        uint64_t first = (w->done + i) * run->chunk;
        fill_chunk(run, w->slot, first);
        if (dict_put(w, run->dict, run->entries, run->were, run->chunk) != (int64_t)run->chunk)
            return -1;
        tally_chunk(run, w->slot, first);
        if (run->cost)
            for (size_t k = 0; k < run->chunk; k++)
                work_chain(run->cost, first + k);
    }
    return (int64_t)n;
}

/* NULL, or what is wrong with an entry of the snapshot. `there` marks the keys seen. */
static const char *entry_fault(const struct dict_run *run, const unsigned char *entry, bool *there)
{
    uint64_t key, word;
    memcpy(&key, entry, sizeof key);
    memcpy(&word, entry + KEY_SIZE, sizeof word);
    uint64_t index = index_of(key), slot = element_slot(word), sequence = element_sequence(word);
    if (index >= KEYS)
        return "has a key that nobody put";
    if (there[index])
        return "has a key that is there twice";
    there[index] = true;
    if (!element_whole(entry + KEY_SIZE, run->payload))
        return "has a value that is torn";
    if (slot >= run->workers)
        return "has a value that is nobody's";
    return run->tally[slot].last[index] == sequence + 1 ? NULL : "has a value that is not its worker's last";
}

static bool was_put(const struct dict_run *run, size_t index)
{
    for (size_t w = 0; w < run->workers; w++)
        if (run->tally[w].last[index])
            return true;
    return false;
}

static void judge_entries(const struct dict_run *run, size_t count, struct proof *proof)
{
    bool there[KEYS] = {false};
    const char *fault = NULL;
    for (size_t i = 0; i < count && !fault; i++) {
        fault = entry_fault(run, run->snapshot + i * run->entry, there);
        if (fault)
            snprintf(proof->text, sizeof proof->text, "entry %zu of the dict %s", i, fault);
    }
    size_t missing = 0;
    for (size_t k = 0; k < KEYS && !fault; k++)
        missing += was_put(run, k) && !there[k];
    proof->lost = missing;
    proof->holds = !fault && missing == 0;
    if (missing)
        snprintf(proof->text, sizeof proof->text, "lost %zu keys of the dict that were put", missing);
}

static void judge_tallies(const struct dict_run *run, const uint64_t *done, struct proof *proof)
{
    for (size_t w = 0; w < run->workers && proof->holds; w++) {
        uint64_t latest = 0;
        for (size_t k = 0; k < KEYS; k++)
            latest = run->tally[w].last[k] > latest ? run->tally[w].last[k] : latest;
        proof->holds = latest == done[w] * run->chunk && run->tally[w].stale == 0;
        if (latest != done[w] * run->chunk)
            snprintf(proof->text, sizeof proof->text, "worker %zu made %llu puts and %llu were acknowledged", w,
                     (unsigned long long)latest, (unsigned long long)(done[w] * run->chunk));
        else if (!proof->holds)
            snprintf(proof->text, sizeof proof->text, "told %llu puts that their key was new, which it was not",
                     (unsigned long long)run->tally[w].stale);
    }
}

static int dict_check(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct dict_run *run = pool_context(pool);
    int64_t bytes = object_read(pool_parent(pool), run->dict, run->snapshot, KEYS * run->entry);
    if (bytes < 0 || object_clear(pool_parent(pool), run->dict) < 0)
        return error_set(error, ERROR_BROKEN, "the dict cannot be read back");
    *proof = (struct proof){.holds = false};
    judge_entries(run, (size_t)bytes / run->entry, proof);
    judge_tallies(run, done, proof);
    memset(run->tally, 0, run->workers * sizeof *run->tally);
    return 0;
}

const struct workload workload_dict = {
    .name = "dict",
    .summary = "every worker puts values under the keys of one dict",
    .unit = "puts/s",
    .need = NEED_DICT,
    .payload_least = ELEMENT_LEAST,
    .payload_most = ELEMENT_MOST,
    .chunk_auto = dict_chunk_auto,
    .prepare = dict_prepare,
    .objects = dict_objects,
    .grain = dict_grain,
    .step = dict_step,
    .check = dict_check,
    .release = dict_release,
};
