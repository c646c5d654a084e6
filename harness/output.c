/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * output.c - announcing a run, and handing its results to the writers of reports/. */
#include "harness/output.h"
#include "harness/errand.h"
#include "harness/problem.h"
#include "harness/terminal.h"

#include "reports/csv.h"
#include "reports/format.h"
#include "reports/html.h"
#include "reports/rank.h"
#include "reports/table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

const char *const output_formats[] = {"table", "csv", "json", "none", NULL};

void output_announce(const struct results *r, const char *folder, size_t cells, double expected_s, double budget_s,
                     bool fits)
{
    char expected[FORMAT_SIZE], budget[FORMAT_SIZE];
    bool known = isfinite(expected_s);
    fprintf(stderr, "muster: %zu cell%s in %u block%s%s%s; seed %llu%s%s\n", cells, cells == 1 ? "" : "s",
            r->blocks_planned, r->blocks_planned == 1 ? "" : "s", known ? ", about " : "",
            known ? format_seconds(expected, expected_s) : "", (unsigned long long)r->seed,
            folder ? "; results in " : "", folder ? folder : "");
    if (budget_s > 0 && !fits)
        fprintf(stderr, "muster: that is more than the %s of --time, but fewer than %u blocks give no interval\n",
                format_seconds(budget, budget_s), r->blocks_planned);
    else if (budget_s > 0)
        fprintf(stderr, "muster: %u blocks fit into the %s of --time\n", r->blocks_planned,
                format_seconds(budget, budget_s));
    if (r->idle_note)
        fprintf(stderr, "muster: idle: %s\n", r->idle_note);
}

void output_announce_precision(const struct precision *p, double budget_s, bool said)
{
    char budget[FORMAT_SIZE];
    if (!p->count)
        return;
    fprintf(stderr, "muster: it ends once every interval is within %.3g %%, looked at after ", 100 * p->wanted);
    for (unsigned i = 0; i < p->count; i++)
        fprintf(stderr, "%s%u", i == 0 ? "" : i + 1 < p->count ? ", " : " and ", p->looks[i]);
    fprintf(stderr, " block%s", p->looks[p->count - 1] == 1 ? "" : "s");
    if (said)
        fputc('\n', stderr);
    else
        fprintf(stderr, "; after %s at the latest, since --time was not said\n", format_seconds(budget, budget_s));
}

static int write_report(const struct results *r, const char *folder)
{
    struct report_error error = {.code = 0};
    if (html_write(&r, 1, folder, &error) || error.text[0])
        fprintf(stderr, "muster: %s\n", error.text);
    return error.code;
}

static int write_json(const struct results *r)
{
    char *text = results_to_json(r);
    int bad = !text || fputs(text, stdout) == EOF;
    free(text);
    return bad ? -1 : 0;
}

static int write_format(const struct results *r, const struct output *o)
{
    const struct report_style style = terminal_style(o->long_form, o->folder);
    bool lines = o->lines && (o->format == OUTPUT_TABLE || o->format == OUTPUT_NONE);
    if (lines && errand_show(o->lines))
        return -1;
    switch (o->format) {
    case OUTPUT_TABLE:
        return table_write(lines ? stderr : stdout, r, &style);
    case OUTPUT_CSV:
        return csv_write(stdout, r);
    case OUTPUT_JSON:
        return write_json(r);
    default:
        return 0;
    }
}

int output_flush(bool bad)
{
    struct problem problem;
    if (!bad && fflush(stdout) == 0)
        return EXIT_FINE;
    problem_set(&problem, EXIT_NO_OUTPUT, "cannot write to standard output: %s", strerror(errno ? errno : ENOMEM));
    /* What could not be written would fail once more at the end: one loss, one line. */
    clearerr(stdout);
    __fpurge(stdout);
    return problem_print(&problem);
}

int output_results(const struct results *r, const struct output *o)
{
    int code = o->folder ? write_report(r, o->folder) : EXIT_FINE;
    char text[1024];
    if (o->format != OUTPUT_TABLE && *rank_precision_sentence(text, sizeof text, r)) /* a table says it itself */
        fprintf(stderr, "muster: %s\n", text);
    errno = 0;
    int lost = output_flush(write_format(r, o) != 0);
    return lost != EXIT_FINE ? lost : code;
}

void output_failures(const struct results *r, bool interrupted)
{
    for (size_t i = 0; i < r->cell_count; i++)
        if (r->cells[i].status == CELL_FAILED)
            fprintf(stderr, "muster: failed: %s: %s\n", r->cells[i].id, r->cells[i].reason ? r->cells[i].reason : "");
    if (interrupted)
        fprintf(stderr, "muster: interrupted: %u complete block%s of %u %s kept, and what was measured of the next\n",
                r->blocks_complete, r->blocks_complete == 1 ? "" : "s", r->blocks_planned,
                r->blocks_complete == 1 ? "is" : "are");
}
