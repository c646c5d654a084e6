/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * html_cells.c - the proofs, and every cell of the run with all its parameters: nothing is left out of a report. */
#include "reports/html_page.h"

#include "reports/flags.h"

#include <math.h>

static size_t count_status(const struct results *r, enum cell_status status)
{
    size_t count = 0;

    for (size_t i = 0; i < r->cell_count; i++)
        count += r->cells[i].status == status;
    return count;
}

static size_t count_verified(const struct results *r)
{
    size_t count = 0;

    for (size_t i = 0; i < r->cell_count; i++)
        count += r->cells[i].status == CELL_OK && r->cells[i].verified;
    return count;
}

static bool loses(const struct cell *cell)
{
    return cell->status == CELL_OK && !cell->verified;
}

/* The cells of a status, or with `losses` those that are measured without proof, and why. */
static void list_cells(FILE *out, const struct results *r, enum cell_status status, bool losses, const char *lead)
{
    char lost[HTML_SENTENCE];
    bool begun = false;

    for (size_t i = 0; i < r->cell_count; i++) {
        const struct cell *cell = &r->cells[i];

        if (losses ? !loses(cell) : cell->status != status)
            continue;
        if (!begun)
            fprintf(out, "<p>%s</p>\n<ul>\n", lead);
        begun = true;
        fputs("<li><code>", out);
        html_text(out, cell->id);
        fputs("</code>: ", out);
        if (losses)
            html_text(out, rank_lost_sentence(lost, sizeof(lost), cell));
        else
            html_text(out, cell->reason && *cell->reason ? cell->reason : "no reason was given");
        fputs("</li>\n", out);
    }
    if (begun)
        fputs("</ul>\n", out);
}

void html_proofs(FILE *out, const struct html_run *run)
{
    const struct results *r = run->results;

    html_heading(out, run, 2, "proofs", "Proofs");
    fputs("<p>", out);
    html_printf(out,
                "Every window is proved after its clock has stopped: counters add up exactly, lists hold every element "
                "once and whole, maps equal the control's. Verified: %zu of %zu measured cells. Failed: %zu. Not "
                "applicable: %zu.",
                count_verified(r), count_status(r, CELL_OK), count_status(r, CELL_FAILED), count_status(r, CELL_NA));
    fputs("</p>\n", out);
    list_cells(out, r, CELL_FAILED, false, "Failed, and without a number:");
    list_cells(out, r, CELL_OK, true, "Measured, but incorrect by design, and never ranked:");
    list_cells(out, r, CELL_NA, false, "Not applicable:");
}

static const char *status_word(const struct cell *cell)
{
    static const char *const words[] = {
        [CELL_PENDING] = "not measured", [CELL_OK] = "ok", [CELL_NA] = "n/a", [CELL_FAILED] = "FAILED"};

    return cell->status == CELL_OK && !cell->verified ? "not verified" : words[cell->status];
}

static void write_cell(FILE *out, const struct cell *cell)
{
    char text[4 * FORMAT_SIZE], rate[FORMAT_SIZE], names[2 * FORMAT_SIZE];
    struct flags flags;

    fputs("<tr>", out);
    html_row_head(out, cell->id);
    html_cell(out, cell->variant);
    format_chunk(rate, cell->chunk);
    snprintf(text, sizeof(text), cell->chunk ? "%s" : "%s (%llu)", rate, (unsigned long long)cell->chunk_used);
    html_number(out, text);
    html_cell(out, cell->idle);
    format_set(text, sizeof(text), cell->pus, cell->pus ? cell->workers : 0);
    html_cell(out, text);
    if (cell->service_pu >= 0)
        snprintf(text, sizeof(text), "%.40s, %d", cell->service ? cell->service : "", cell->service_pu);
    else
        snprintf(text, sizeof(text), "%.40s", cell->service ? cell->service : "");
    html_cell(out, cell->manager ? cell->manager : text);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)cell->items);
    html_number(out, cell->items ? text : "");
    html_number(out, cell->status == CELL_OK ? format_rate(rate, cell->value) : "");
    html_number(out, cell->status == CELL_OK ? format_rate_range(text, cell->value, cell->ci_low, cell->ci_high) : "");
    html_cell(out, cell->unit);
    snprintf(text, sizeof(text), "%zu", cell->trial_count);
    html_number(out, text);
    flags_of(&flags, cell);
    snprintf(text, sizeof(text), "%s%s%s%s", status_word(cell), cell->oversubscribed ? ", oversubscribed" : "",
             flags_any(&flags) ? ", " : "", flags_names(names, sizeof(names), &flags));
    html_cell(out, text);
    fputs("</tr>\n", out);
}

void html_cells(FILE *out, const struct html_run *run)
{
    static const char *const columns[] = {
        "cell",    "variant",   "#chunk", "idle",    "units",  "service", "#items per call",
        "#rate/s", "#interval", "unit",   "#trials", "status", NULL,
    };
    const struct results *r = run->results;

    html_heading(out, run, 2, "cells", "Every cell");
    fprintf(out, "<details><summary>%zu cells, with all parameters</summary>\n", r->cell_count);
    html_table_begin(out, NULL, NULL, columns);
    for (size_t i = 0; i < r->cell_count; i++)
        write_cell(out, &r->cells[i]);
    html_table_end(out);
    fputs("</details>\n", out);
}
