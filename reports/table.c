/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * table.c - the summary of a run: two lines on machine and run, a part per workload, what to beware of, where the rest
 * lies. */
#include "reports/table.h"

#include "reports/format.h"
#include "reports/noise.h"
#include "reports/table_parts.h"

#include <math.h>
#include <string.h>

/* Load per processing unit above which something else ran: a muster run just ended leaves one of 1 behind. */

static bool nothing_is_left(const struct results *r)
{
    bool failed = false, measured = false;
    for (size_t i = 0; i < r->cell_count; i++) {
        failed |= r->cells[i].status == CELL_FAILED;
        measured |= r->cells[i].status == CELL_OK;
    }
    return failed && !measured;
}

static void write_head(FILE *out, const struct results *r, const struct report_style *style)
{
    char machine[TABLE_LINE / 2], line[TABLE_LINE], time[FORMAT_SIZE];
    snprintf(line, sizeof line, "muster %s · %s · idle: %s", r->version ? r->version : "?",
             table_machine(machine, sizeof machine, &r->host), rank_idle(r));
    format_wrap(out, line, style->columns, TABLE_INDENT);
    format_seconds(time, r->elapsed_s);
    snprintf(line, sizeof line, "%zu cell%s in %u block%s%s%s · seed %llu%s%s", r->cell_count,
             r->cell_count == 1 ? "" : "s", r->blocks_complete, r->blocks_complete == 1 ? "" : "s", *time ? ", " : "",
             time, (unsigned long long)r->seed, style->folder ? " · " : "", style->folder ? style->folder : "");
    format_wrap(out, line, style->columns, TABLE_INDENT);
    if (r->handicap != 0)
        format_wrap(out, format_handicap(line, r->handicap), style->columns, TABLE_INDENT);
    if (*rank_precision_sentence(line, sizeof line, r))
        format_wrap(out, line, style->columns, TABLE_INDENT);
    if (r->interrupted || r->blocks_complete < r->blocks_planned) {
        snprintf(line, sizeof line,
                 r->interrupted       ? "interrupted: %u of %u blocks are complete"
                 : nothing_is_left(r) ? "%u of %u planned blocks: then no cell was left that had not failed"
                                      : "%u of %u planned blocks: its time was up, or it was stopped",
                 r->blocks_complete, r->blocks_planned);
        format_wrap(out, line, style->columns, TABLE_INDENT);
    }
}

static bool has_word(const struct rank_row *row, enum rank_word word)
{
    for (size_t i = 0; i < RANK_CHUNKS; i++)
        if (row->words[i] == word)
            return true;
    return false;
}

/* By which chunk rows are sorted, and gains taken, where there is a choice; "" where there is none. */
static const char *sorted_by(char text[FORMAT_SIZE], const struct rank_matrix *matrices, size_t count)
{
    const struct rank_matrix *first = NULL;
    char chunk[FORMAT_SIZE];
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (matrices[i].chunk_count < 2)
            continue;
        if (first && matrices[i].chunks[matrices[i].lead] != first->chunks[first->lead])
            return strcpy(text, "the smallest chunk that most rows have");
        first = &matrices[i];
        snprintf(text, FORMAT_SIZE, "chunk %.40s", format_chunk(chunk, first->chunks[first->lead]));
    }
    return text;
}

/* The marks that need a word of explanation, each only where it was used. */
static void write_legend(FILE *out, const struct rank_matrix *matrices, size_t count, const struct report_style *style)
{
    char chunk[FORMAT_SIZE], line[TABLE_LINE];
    bool above = false, fastest = false;
    for (size_t m = 0; m < count; m++)
        for (size_t i = 0; i < matrices[m].row_count; i++) {
            const struct rank_row *row = &matrices[m].rows[i];
            above |= row->ties_above && !has_word(row, RANK_BEST) && !has_word(row, RANK_TIE);
            fastest |= has_word(row, RANK_FASTEST);
        }
    if (!style->long_form && *sorted_by(chunk, matrices, count)) {
        snprintf(line, sizeof line, "Rows are sorted, and the gain over one worker is taken, at %s.", chunk);
        format_wrap(out, line, style->columns, 0);
    }
    if (above && !style->long_form)
        format_wrap(out, "tie ↑: its blocks do not tell it from the row above.", style->columns, TABLE_INDENT);
    if (fastest)
        format_wrap(out, "fastest, not best: fewer than 6 blocks give no interval and decide nothing.", style->columns,
                    TABLE_INDENT);
}

static void write_beware(FILE *out, const struct results *r, const struct report_style *style)
{
    char line[TABLE_LINE], noise[TABLE_LINE / 2];
    if (*rank_idle_sentence(line, sizeof line, r))
        format_wrap(out, line, style->columns, 0);
    if (r->idle_note && *r->idle_note) {
        snprintf(line, sizeof line, "idle at the start: %s", r->idle_note);
        format_wrap(out, line, style->columns, TABLE_INDENT);
    }
    if (*noise_load_sentence(line, sizeof line, r))
        format_wrap(out, line, style->columns, TABLE_INDENT);
    if (*noise_spoiled_sentence(line, sizeof line, r))
        format_wrap(out, line, style->columns, TABLE_INDENT);
    if (*noise_sentence(noise, sizeof noise, r)) {
        snprintf(line, sizeof line,
                 "noise here: %s (muster doctor says what to mend); another run may differ by more, so two builds are "
                 "for muster duet",
                 noise);
        format_wrap(out, line, style->columns, TABLE_INDENT);
    }
}

static void write_files(FILE *out, const struct report_style *style)
{
    char line[TABLE_LINE];
    size_t columns;
    if (!style->folder)
        return;
    snprintf(line, sizeof line, "report    %s/report.html        why: muster report --contention %s", style->folder,
             style->folder);
    columns = format_width(line);
    if (columns <= style->columns) {
        fprintf(out, "\n%s\n", format_clean(line));
        return;
    }
    snprintf(line, sizeof line, "report    %s/report.html", style->folder);
    fputc('\n', out);
    format_wrap(out, line, style->columns, 10);
    snprintf(line, sizeof line, "why       muster report --contention %s", style->folder);
    format_wrap(out, line, style->columns, 10);
}

int table_write(FILE *out, const struct results *r, const struct report_style *asked)
{
    struct report_style style = *asked;
    struct rank_matrix *matrices;
    size_t count;
    int result = 0;
    style.columns = style.columns ? style.columns : 80;
    if (rank_build(r, &matrices, &count) != 0)
        return -1;
    write_head(out, r, &style);
    for (size_t i = 0; i < count && result == 0; i++) {
        fputc('\n', out);
        result = style.long_form ? table_long(out, &matrices[i], &style) : table_matrix(out, &matrices[i], &style);
    }
    if (result == 0)
        result = table_yardsticks(out, r, &style);
    fputc('\n', out);
    write_legend(out, matrices, count, &style);
    write_beware(out, r, &style);
    write_files(out, &style);
    rank_free(matrices, count);
    if (fflush(out) != 0 || ferror(out))
        result = -1;
    return result;
}
