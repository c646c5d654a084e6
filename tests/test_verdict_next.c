/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_verdict_next.c - what a judgement that could not tell says is to be done. */
#include "tests/frame.h"

#include "reports/verdict_report.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(constant) ((char *)(size_t)(constant))

static struct finding unresolved(enum doubt doubt, size_t used, size_t spoiled, size_t needed)
{
    return (struct finding){.verdict = VERDICT_INCONCLUSIVE,
                            .doubt = doubt,
                            .ratio = 1.01,
                            .low = 0.97,
                            .high = 1.04,
                            .margin = 0.02,
                            .p_slower = 1,
                            .used = used,
                            .spoiled = spoiled,
                            .needed = needed,
                            .lag1 = NAN,
                            .ratio_again = NAN,
                            .low_again = NAN,
                            .high_again = NAN};
}

/* The advice for a judgement of that one finding, measured in 60 s; "" for none. */
static void advised(struct finding finding, const char *kind, const char *ended, enum overall overall, const char *what)
{
    struct cell cell = {.id = TEXT("counter/some w=2"), .workload = TEXT("counter"), .strategy = TEXT("some")};
    const struct cell *cells[] = {&cell};
    const char *reasons[] = {NULL};
    struct results about = {.elapsed_s = 60};
    const struct judgement judgement = {.kind = kind,
                                        .base = {.name = "a"},
                                        .candidate = {.name = "b"},
                                        .about = &about,
                                        .cells = cells,
                                        .reasons = reasons,
                                        .findings = &finding,
                                        .count = 1,
                                        .overall = overall,
                                        .criteria = &criteria_default,
                                        .judged = true,
                                        .ended = ended};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_EQUAL(verdict_print(out, &judgement, &(struct report_style){.columns = 200}), 0);
    fclose(out);
    const char *said = strstr(text, "\nWhat to do: ");
    CU_ASSERT_EQUAL(said != NULL, *what != '\0');
    if (said)
        CU_ASSERT_EQUAL(strncmp(said + 1, what, strlen(what)), 0);
    if (said)
        CU_ASSERT_PTR_EQUAL(strstr(said + 1, "\nVERDICT "), strchr(said + 1, '\n')); /* the line above the last */
    free(text);
}

static void of_duets(void)
{
    const enum overall open = OVERALL_INCONCLUSIVE;
    advised(unresolved(DOUBT_WIDE, 24, 0, 60), "duet", "time", open, "What to do: give it more time (about -t 3m).");
    advised(unresolved(DOUBT_FEW, 10, 2, 12), "duet", "time", open, "What to do: give it more time (about -t 2m).");
    advised(unresolved(DOUBT_FEW, 0, 0, 12), "duet", "time", open, "What to do: give it more time.");
    advised(unresolved(DOUBT_WIDE, 24, 0, 2000), "duet", NULL, open, "What to do: give it more time.");
    advised(unresolved(DOUBT_WIDE, 24, 0, 58), "duet", "plan", open,
            "What to do: ask for more blocks than were planned: --blocks 60.");
    advised(
        unresolved(DOUBT_FEW, 3, 17, 12), "duet", "time", open,
        "What to do: measure when the machine is quieter, since 85 % of the blocks were spoiled (muster doctor says "
        "what disturbs it); or give it more time (-t).");
    advised(
        unresolved(DOUBT_FEW, 1, 19, 12), "duet", "time", open,
        "What to do: measure when the machine is quieter, since 95 % of the blocks were spoiled (muster doctor says "
        "what disturbs it).");
    advised(unresolved(DOUBT_NOISE, 48, 0, 0), "duet", "plan", open,
            "What to do: measure when the machine is quieter; muster doctor");
    advised(unresolved(DOUBT_TIES, 48, 0, 0), "duet", "plan", open, "What to do: more blocks would not help");
    advised(unresolved(DOUBT_UNCONFIRMED, 48, 0, 0), "duet", "plan", open, "What to do: measure once more");
}

static void of_files(void)
{
    const enum overall open = OVERALL_INCONCLUSIVE;
    advised(unresolved(DOUBT_WIDE, 24, 0, 58), "compare", NULL, open,
            "What to do: measure both with more blocks (--blocks 60), or side by side: muster duet.");
    advised(unresolved(DOUBT_WIDE, 24, 0, 1960), "compare", NULL, open, "What to do: measure both side by side");
    advised(unresolved(DOUBT_MOVED, 24, 0, NEEDED_MOST), "compare", NULL, open,
            "What to do: measure both side by side");
    advised(unresolved(DOUBT_UNCONFIRMED, 48, 0, 0), "compare", NULL, open, "What to do: measure NEW once more");
    advised(unresolved(DOUBT_SENSITIVE, 48, 0, 0), "compare", NULL, open, "What to do: measure both when the machine");
}

/* Where something else was found, that is the matter. */
static void of_nothing_else(void)
{
    advised(unresolved(DOUBT_WIDE, 24, 0, 60), "duet", "time", OVERALL_REGRESSION, "");
    advised(unresolved(DOUBT_WIDE, 24, 0, 60), "duet", "interrupted", OVERALL_INTERRUPTED, "");
    advised(unresolved(DOUBT_WIDE, 24, 0, 60), "compare", NULL, OVERALL_INCOMPARABLE, "");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"verdict next: duets", of_duets, 0},
        {"verdict next: files", of_files, 0},
        {"verdict next: only where it could not be told", of_nothing_else, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
