/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * made_judgement.c - see made_judgement.h. */
#include "tests/made_judgement.h"

#include <math.h>
#include <string.h>

static const char *const IDS[CELLS] = {
    "map/fork-pool w=2 c=1 p=cores i=0 b=8",         "map/prefork-pipe w=2 c=1 p=cores i=0 b=8",
    "map/shared-memory w=2 c=1 p=cores i=0 b=8",     "map/manager-socket w=2 c=1 p=cores i=0 b=8",
    "counter/fork-pool w=2 c=1 p=cores i=0 b=0",     "counter/prefork-pipe w=2 c=1 p=cores i=0 b=0",
    "counter/shared-memory w=2 c=1 p=cores i=0 b=0", "counter/manager-socket w=2 c=1 p=cores i=0 b=0",
    "list/fork-pool w=2 c=1 p=cores i=0 b=8",        "list/prefork-pipe w=2 c=1 p=cores i=0 b=8",
    "list/shared-memory w=2 c=1 p=cores i=0 b=8",    "list/manager-socket w=2 c=1 p=cores i=0 b=8",
};

/* The ratio and its interval, in percent. */
static struct finding found(enum verdict verdict, double change, double low, double high)
{
    return (struct finding){.verdict = verdict,
                            .ratio = 1 + change / 100,
                            .low = 1 + low / 100,
                            .high = 1 + high / 100,
                            .margin = 0.02,
                            .p_slower = 1,
                            .used = 48,
                            .lag1 = 0.04,
                            .not_slower = verdict == VERDICT_EQUIVALENT || verdict == VERDICT_FASTER,
                            .ratio_again = NAN,
                            .low_again = NAN,
                            .high_again = NAN};
}

struct finding doubted(enum doubt doubt, double change, double low, double high)
{
    struct finding finding = found(VERDICT_INCONCLUSIVE, change, low, high);
    finding.doubt = doubt;
    return finding;
}

void again(struct finding *finding, double change, double low, double high)
{
    finding->p_slower = 0.00004;
    finding->ratio_again = 1 + change / 100;
    finding->low_again = 1 + low / 100;
    finding->high_again = 1 + high / 100;
    finding->used_again = 20;
}

static void make_findings(struct sample *s)
{
    s->findings[0] = found(VERDICT_SLOWER, 4.9, 4.6, 5.3);
    again(&s->findings[0], 5.1, 4.5, 5.6);
    s->findings[0].confirmed = true;
    s->findings[1] = found(VERDICT_EQUIVALENT, 0.04, -0.3, 0.42);
    s->findings[2] = doubted(DOUBT_UNCONFIRMED, 6, 3.1, 12.3);
    again(&s->findings[2], 0.3, -0.6, 0.9);
    s->findings[3] = doubted(DOUBT_UNCONFIRMED, 3.3, 2.6, 4.1);
    s->findings[3].p_slower = 0.012;
    s->findings[4] = doubted(DOUBT_WIDE, 1.2, -1.2, 4);
    s->findings[4].needed = 120;
    s->findings[4].spoiled = 11;
    s->findings[4].margin = 0.0375;
    s->findings[5] = doubted(DOUBT_ORDER, 0.1, -2.8, 3.1);
    s->findings[6] = doubted(DOUBT_WIDE, -2.4, -4.2, 0.3);
    s->findings[6].not_slower = true;
    s->findings[6].needed = NEEDED_MOST;
    s->findings[7] = doubted(DOUBT_FEW, NAN, NAN, NAN);
    s->findings[7].used = 3;
    s->findings[7].needed = 12;
    s->findings[7].p_slower = s->findings[7].lag1 = NAN;
    s->findings[8] = found(VERDICT_MISSING, NAN, NAN, NAN);
    s->findings[9] = found(VERDICT_FAILED, NAN, NAN, NAN);
    for (size_t i = 8; i < 10; i++)
        s->findings[i].p_slower = s->findings[i].lag1 = NAN;
    s->findings[10] = found(VERDICT_FASTER, -31.6, -33, -29.4);
    s->findings[11] = found(VERDICT_EQUIVALENT, -0.6, -0.9, -0.2);
    s->findings[11].spoiled = 1;
}

static void make_cell(struct sample *s, size_t i)
{
    static char metric[] = "throughput", unit[] = "items/s", better[] = "higher", workload[] = "some";
    s->cells[i] = (struct cell){.id = (char *)IDS[i],
                                .workload = workload,
                                .strategy = workload,
                                .variant = workload,
                                .workers = 2,
                                .chunk = 1,
                                .metric = metric,
                                .unit = unit,
                                .better = better};
    s->pointers[i] = &s->cells[i];
    s->floors[i] = NAN;
}

struct sample *sample(void)
{
    static struct sample s;
    static char cpu[] = "AMD EPYC", kernel[] = "Linux 6.18", arch[] = "x86_64", idle[] = "poll", xml[] = "<topology/>";
    static const char *const notes[] = {"noise here: none to speak of", NULL};

    memset(&s, 0, sizeof s);
    for (size_t i = 0; i < CELLS; i++)
        make_cell(&s, i);
    make_findings(&s);
    s.reasons[8] = "the base does not know it";
    s.reasons[9] = "the candidate's list holds 3 elements too few";
    s.floors[4] = 0.025;
    s.about = (struct results){
        .idle = idle,
        .host = {.cpu = cpu, .kernel = kernel, .arch = arch, .cores = 2, .pus = 2, .packages = 1, .topology_xml = xml}};
    s.judgement = (struct judgement){.kind = "duet",
                                     .base = {"./muster", "0.1.0", "67bd98f1c0de"},
                                     .candidate = {"../other build/muster --handicap 5%", NULL, NULL},
                                     .about = &s.about,
                                     .cells = s.pointers,
                                     .reasons = s.reasons,
                                     .findings = s.findings,
                                     .count = CELLS,
                                     .overall = verdict_overall(s.findings, CELLS),
                                     .criteria = &criteria_default,
                                     .floors = s.floors,
                                     .judged = true,
                                     .notes = notes};
    return &s;
}
