/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * elements.c - reading elements back, and saying what is wrong with them. */
#include "bench/workloads/elements.h"

#include <stdbool.h>
#include <stdio.h>

static uint64_t word_at(const unsigned char *element, size_t at)
{
    uint64_t word;
    memcpy(&word, element + at, sizeof word);
    return word;
}

bool element_whole(const unsigned char *element, size_t size)
{
    uint64_t word = word_at(element, 0);
    for (size_t at = sizeof word; at + 2 * sizeof word <= size; at += sizeof word)
        if (word_at(element, at) != word + at)
            return false;
    return word_at(element, size - sizeof word) == word;
}

static void fault(struct proof *proof, const char *what, uint64_t slot, uint64_t sequence, size_t place)
{
    proof->holds = false;
    snprintf(proof->text, sizeof proof->text, "element %zu of the list %s (worker %llu, his element %llu)", place, what,
             (unsigned long long)slot, (unsigned long long)sequence);
}

void elements_judge(const unsigned char *elements, size_t count, size_t size, uint64_t *next, size_t workers,
                    struct proof *proof)
{
    *proof = (struct proof){.holds = true};
    memset(next, 0, workers * sizeof *next);
    for (size_t i = 0; i < count; i++, elements += size) {
        uint64_t word = word_at(elements, 0), slot = element_slot(word), sequence = element_sequence(word);
        if (!element_whole(elements, size))
            return fault(proof, "is torn", slot, sequence, i);
        if (slot >= workers)
            return fault(proof, "is nobody's", slot, sequence, i);
        if (sequence < next[slot])
            return fault(proof, "is there twice or out of order", slot, sequence, i);
        if (sequence > next[slot]) {
            proof->lost = sequence - next[slot];
            return fault(proof, "comes before earlier ones that are lost", slot, sequence, i);
        }
        next[slot]++;
    }
}
