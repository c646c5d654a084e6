/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * contention_words.c - the cause of a cell's loss in a sentence, its figures included.
 *
 * One function per cause. A sentence names what was measured first and what follows from it second, so that a reader
 * who doubts the rule still has the figures. */
#include "reports/contention.h"

#include "reports/format.h"
#include "reports/rank.h"

#include <math.h>

static const double fair_above = 0.95; /* Jain's index from which nothing is said */

const char *contention_name(enum contention_cause cause)
{
    static const char *const names[] = {
        [CONTENTION_UNKNOWN] = "",
        [CONTENTION_NONE] = "scales",
        [CONTENTION_CROWDED] = "crowded",
        [CONTENTION_SERVICE] = "service",
        [CONTENTION_WAITING] = "waiting",
        [CONTENTION_CACHE_LINE] = "cache line",
        [CONTENTION_SPINNING] = "waits awake",
        [CONTENTION_CPU] = "CPU cost",
        [CONTENTION_UNEXPLAINED] = "unexplained",
    };

    return names[cause];
}

char *contention_format_ns(char *text, double ns)
{
    if (ns >= 0 && ns < 9.95)
        snprintf(text, FORMAT_SIZE, "%.*f ns", ns < 0.05 ? 0 : 1, ns);
    else
        format_ns(text, ns);
    return text;
}

static double percent(double part)
{
    return floor(part * 100 + 0.5);
}

static void say_crowded(const struct contention *c, FILE *out)
{
    if (c->cell->oversubscribed)
        fprintf(out, "there are more workers than processing units");
    else if (c->cell->service && c->service_busy > 0.05 && c->cell->service_pu >= 0 &&
             c->cell->service_pu == (c->cell->pus ? (int)c->cell->pus[0] : -1))
        fprintf(
            out,
            "the parent or manager (busy %.0f %% of the time) has no processing unit of its own and displaces a worker",
            percent(c->service_busy));
    else
        fprintf(out, "other processes take the workers' processing units");
    if (isfinite(c->delayed))
        fprintf(out, "; workers spend %.0f %% of their time ready to run, but not running", percent(c->delayed));
    fprintf(out, ".");
}

static void say_service(const struct contention *c, FILE *out)
{
    char cost[FORMAT_SIZE];

    fprintf(
        out,
        "the parent or manager is busy %.0f %% of the time and spends %s of CPU time on each operation: it serves no "
        "more, however many workers ask.",
        percent(c->service_busy), contention_format_ns(cost, c->service_cpu_ns));
}

static void say_waiting(const struct contention *c, FILE *out)
{
    double messages = c->cell->chunk_used ? (double)c->cell->chunk_used : 1;

    messages *= c->voluntary;
    if (messages > 0.75 && messages < 1.35)
        fprintf(out, "the workers sleep about once per message");
    else
        fprintf(out, "the workers sleep %.2g times per message", messages);
    if (isfinite(c->workers_busy))
        fprintf(out, " and are on a CPU for %.0f %% of the time", percent(c->workers_busy));
    fprintf(out, ": they wait for answers");
    if (c->service_busy > 0.05)
        fprintf(out, ", and the parent or manager, which gives them, is busy %.0f %% of the time",
                percent(c->service_busy));
    fprintf(out, ".");
}

static void say_dearer(const struct contention *c, FILE *out)
{
    char now[FORMAT_SIZE], alone[FORMAT_SIZE];

    fprintf(out, "an operation costs %s of CPU time instead of %s with one worker",
            contention_format_ns(now, c->workers_cpu_ns), contention_format_ns(alone, c->single_cpu_ns));
    if (c->cause == CONTENTION_CACHE_LINE)
        fprintf(out, ", and nobody sleeps: the cores take the same cache lines from each other.");
    else if (c->cause == CONTENTION_SPINNING)
        fprintf(out, ", and nobody sleeps: the workers wait for their turn or for an answer while they run.");
    else
        fprintf(out, ", with %.2g voluntary switches: sharing costs work, not only waiting.", c->voluntary);
}

static void say_cause(const struct contention *c, FILE *out)
{
    char gain[FORMAT_SIZE];

    if (c->cause == CONTENTION_NONE) {
        fprintf(out, "%u workers do %s what one does: nothing to explain.", c->cell->workers,
                format_ratio(gain, c->speedup));
        return;
    }
    fprintf(out, "%s one worker, %.0f %% below the ideal: ", format_ratio(gain, c->speedup), percent(c->lost));
    if (c->cause == CONTENTION_CROWDED)
        say_crowded(c, out);
    else if (c->cause == CONTENTION_SERVICE)
        say_service(c, out);
    else if (c->cause == CONTENTION_WAITING)
        say_waiting(c, out);
    else if (c->cause == CONTENTION_UNEXPLAINED)
        fprintf(out, "neither CPU time nor switches nor run delay says why; the wake-up cost and the noise of this "
                     "machine may.");
    else
        say_dearer(c, out);
}

int contention_why(const struct contention *c, char *text, size_t size)
{
    bool unfair = c->cell->workers > 1 && c->jain < fair_above;
    char lost[512];
    FILE *out;

    text[0] = '\0';
    rank_lost_sentence(lost, sizeof(lost), c->cell);
    if (c->cause == CONTENTION_UNKNOWN && !unfair && !*lost)
        return 0;
    out = fmemopen(text, size, "w");
    if (!out)
        return -1;
    if (c->cause != CONTENTION_UNKNOWN)
        say_cause(c, out);
    if (unfair)
        fprintf(out, "%s a worker did %.2f of an even share, another %.2f (Jain's index %.2f).",
                c->cause == CONTENTION_UNKNOWN ? "unfair:" : " Unfair:", c->share_low, c->share_high, c->jain);
    if (*lost)
        fprintf(out, "%s%s.", c->cause != CONTENTION_UNKNOWN || unfair ? " " : "", lost);
    return fclose(out) == 0 ? 0 : -1;
}
