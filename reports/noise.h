/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * noise.h - the noise around a run or a duet, from what it has itself recorded: what waking cost, who else took the
 * CPUs, what moved the control lanes; and so what differences cannot be seen. */
#ifndef MUSTER_REPORTS_NOISE_H
#define MUSTER_REPORTS_NOISE_H

#include "reports/duet.h"

/* Each is NAN where it was not recorded. */
struct noise {
    double unseen; /* relative half-width below which nothing shows, 0.012 for 1.2 % */
    double wake_ns,
        natural_ns;      /* medians around the trials: in the run's idle mode, and in natural if that is another */
    double delayed;      /* of the time that workers could have run: they did not, and not because of each other */
    double stolen;       /* of the time of the CPUs in use: taken by the host; NAN where there is no host */
    double moved[LANES]; /* half a lane's range, of its middle, over the blocks */
};

void noise_of(struct noise *, const struct results *);

/* "waking an idle CPU costs 43 µs, ..., so differences under 1.2 % cannot be seen within this run"; "" where there is
 * no interval to say so. Returns text. */
char *noise_sentence(char *text, size_t size, const struct results *);

/* "load: 25.1 when it began, ..."; "" where it was no more than the machine takes. Returns text. */
char *noise_load_sentence(char *text, size_t size, const struct results *);

/* How many of the trials are spoiled (reports/duet.h), of *trials. A run measures none of them again. */
size_t noise_spoiled(const struct results *, size_t *trials);

/* "53 of 636 trials were spoiled by others' work or by the host, ..."; "" where none was. Returns text. */
char *noise_spoiled_sentence(char *text, size_t size, const struct results *);

/* Of a duet: also how much a lane moves from one side of a pair to the other, which is what a duet suffers from; what
 * cannot be seen is that of the cell in the middle. "" where no pair was measured. Returns text. */
char *noise_of_duet(char *text, size_t size, const struct duet *);

#endif
