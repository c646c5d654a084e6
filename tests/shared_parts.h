/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * shared_parts.h - what the parts of test_shared_objects share: objects in shared memory, records that tell whether
 * they are whole, and the tests themselves. */
#ifndef MUSTER_TESTS_SHARED_PARTS_H
#define MUSTER_TESTS_SHARED_PARTS_H

#include "bench/strategies/shared_objects.h"
#include "tests/object_models.h"

#include <stdlib.h>
#include <string.h>

#define AT_ONCE INT64_C(100000000) /* ns in which whoever waited for one that died goes on */

static const struct maker shared = {shared_object_create, shared_object_free};

static inline unsigned rounds_of(unsigned whole)
{
    return getenv("MUSTER_QUICK") ? whole / 5 : whole;
}

/* Whether all but a few went on at once; a machine that is busy may hold up some. */
static inline bool mostly_at_once(unsigned late, unsigned rounds)
{
    return late * 4 <= rounds;
}

struct record {
    uint64_t words[3], sum;
};

static inline struct record record_new(uint64_t *random)
{
    struct record record;
    random_fill(random, record.words, sizeof record.words);
    record.sum = record.words[0] * 3 + record.words[1] * 5 + record.words[2] * 7;
    return record;
}

static inline bool record_whole(const struct record *record)
{
    return record->sum == record->words[0] * 3 + record->words[1] * 5 + record->words[2] * 7;
}

struct entry {
    uint32_t key, pad;
    struct record value;
};

static inline struct object dict_shape(size_t capacity)
{
    return (struct object){
        .kind = OBJECT_DICT, .key_size = 8, .element_size = sizeof(struct record), .capacity = capacity};
}

/* Processes that are killed after each instruction. */
void record_dissected(void);
void dict_dissected(void);
void dict_laid_open(void);

void lock_excludes(void);
void lock_of_the_dead(void);
void lock_times_out(void);
void lock_freed_while_held(void);
void lock_holders_killed(void);

#endif
