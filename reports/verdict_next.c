/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict_next.c - what to do when it could not be told: one sentence above the last line.
 *
 * The gravest reason leads: what disturbs the machine is not cured by time, and a plan that was played to its end not
 * by a longer one. */
#include "reports/verdict_parts.h"

#include "reports/format.h"
#include "reports/table_parts.h"

#include <math.h>
#include <string.h>

#define SPOILED_MANY 0.3 /* of the blocks */
#define SPOILED_MOST 0.9 /* where more time finds no more sound ones */
#define ROOM         1.2 /* what is left beside the blocks: the start of both sides, the second measurement */
#define FACTOR_MOST  20  /* what takes longer than so many times is not advised */

/* Why cells are inconclusive, and how much more it would take at most. */
struct wanting {
    size_t blocked, more, once, beyond; /* cells: by noise; by blocks; by a confirmation; by what no block mends */
    size_t needed;                      /* blocks, at most */
    double factor;                      /* of the time; NAN: not known */
    double spoiled;                     /* of all blocks */
};

static void add_finding(struct wanting *w, const struct finding *f)
{
    if (f->doubt_again == DOUBT_MOVED)
        w->beyond++;
    else if (f->verdict == VERDICT_SLOWER || f->doubt == DOUBT_UNCONFIRMED)
        w->once += !f->confirmed;
    else if (f->doubt == DOUBT_NOISE || f->doubt == DOUBT_SENSITIVE)
        w->blocked++;
    else if (f->doubt == DOUBT_ORDER || f->doubt == DOUBT_TIES || f->needed == NEEDED_MOST)
        w->beyond += !f->not_slower;
    else if (f->verdict == VERDICT_INCONCLUSIVE && f->needed && !f->not_slower) {
        w->more++;
        w->needed = f->needed > w->needed ? f->needed : w->needed;
        w->factor = fmax(w->factor, f->used ? (double)f->needed / (double)f->used : INFINITY);
    }
}

static struct wanting wanting_of(const struct judgement *judgement)
{
    struct wanting w = {.factor = NAN};
    size_t used = 0, spoiled = 0;
    for (size_t i = 0; i < judgement->count; i++) {
        add_finding(&w, &judgement->findings[i]);
        used += judgement->findings[i].used;
        spoiled += judgement->findings[i].spoiled;
    }
    w.spoiled = spoiled ? (double)spoiled / (double)(used + spoiled) : 0;
    return w;
}

/* " (about -t 4m)", or nothing where it cannot be foreseen. Returns text. */
static char *how_long(char text[FORMAT_SIZE], const struct judgement *judgement, const struct wanting *w)
{
    const double elapsed_s = judgement->about ? judgement->about->elapsed_s : NAN,
                 seconds = ROOM * w->factor * elapsed_s;
    text[0] = '\0';
    if (seconds > 0 && w->factor <= FACTOR_MOST)
        snprintf(text, FORMAT_SIZE, seconds <= 60 ? " (about -t %.0fs)" : " (about -t %.0fm)",
                 seconds <= 60 ? 10 * ceil(seconds / 10) : ceil(seconds / 60));
    return text;
}

/* For two builds that are measured here. */
static void advise_duet(char *text, size_t size, const struct judgement *judgement, const struct wanting *w)
{
    const bool played = judgement->ended && strcmp(judgement->ended, "plan") == 0;
    char longer[FORMAT_SIZE];
    if (w->spoiled >= SPOILED_MANY)
        snprintf(
            text, size,
            "measure when the machine is quieter, since %.0f %% of the blocks were spoiled (muster doctor says what "
            "disturbs it)%s",
            100 * w->spoiled, w->more && !played && w->spoiled < SPOILED_MOST ? "; or give it more time (-t)" : "");
    else if (w->blocked)
        snprintf(text, size, "measure when the machine is quieter; muster doctor says what disturbs it");
    else if (w->more && played)
        snprintf(text, size, "ask for more blocks than were planned: --blocks %zu", (w->needed + 3) / 4 * 4);
    else if (w->more)
        snprintf(text, size, "give it more time%s", how_long(longer, judgement, w));
    else if (w->once)
        snprintf(text, size, "measure once more: what was slower once may be slower indeed");
    else if (w->beyond)
        snprintf(text, size, "more blocks would not help; longer windows may (--window 50ms)");
}

/* For files: they cannot be asked for more. */
static void advise_compare(char *text, size_t size, const struct wanting *w)
{
    if (w->spoiled >= SPOILED_MANY || w->blocked)
        snprintf(text, size, "measure both when the machine is quieter, or side by side: muster duet");
    else if (w->more && w->factor <= FACTOR_MOST)
        snprintf(text, size, "measure both with more blocks (--blocks %zu), or side by side: muster duet",
                 (w->needed + 3) / 4 * 4);
    else if (w->once)
        snprintf(text, size, "measure NEW once more, and give that file as the third");
    else if (w->beyond || w->more)
        snprintf(text, size, "measure both side by side: muster duet");
}

void judged_next(FILE *out, const struct judgement *judgement, const struct report_style *style)
{
    const struct wanting w = wanting_of(judgement);
    char text[TABLE_LINE / 2] = "", line[TABLE_LINE];
    if (!judgement->judged || judgement->overall != OVERALL_INCONCLUSIVE)
        return;
    if (strcmp(judgement->kind, "duet") == 0)
        advise_duet(text, sizeof text, judgement, &w);
    else
        advise_compare(text, sizeof text, &w);
    snprintf(line, sizeof line, "What to do: %s.", text);
    if (*text)
        format_wrap(out, line, style->columns, TABLE_INDENT);
}
