/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calibration_report.c - what a machine lets a gate see, in sentences and a table. */
#include "reports/calibration_report.h"

#include "reports/format.h"
#include "reports/table_parts.h"
#include "reports/verdict.h"

#include <math.h>
#include <string.h>

#define WORD_INDENT 14 /* behind the word that a line begins with */
#define BOUND_LOOSE 0.1
#define POWER_LEAST 0.95 /* of gates, at the largest slowdown that was replayed; below it a warning */

enum {
    COLUMN_CELL,
    COLUMN_FLOOR,
    COLUMN_MARGIN,
    COLUMN_CAUGHT,
    COLUMN_PAIR,
    COLUMN_LAG1,
    COLUMN_SESSIONS,
    COLUMN_SPOILED
};
static const char ALIGN[] = "lrrrrrrr";

/* "0.41 %", "2.5 %", "31 %"; "" for NAN. */
static char *percent(char text[FORMAT_SIZE], double share)
{
    double value = 100 * share;
    text[0] = '\0';
    if (isfinite(value))
        snprintf(text, FORMAT_SIZE, value < 0.995 ? "%.2f %%" : value < 9.95 ? "%.1f %%" : "%.0f %%", value);
    return text;
}

/* "8.57 %", as the verdicts print a margin. */
static char *margin_percent(char text[FORMAT_SIZE], double margin)
{
    snprintf(text, FORMAT_SIZE, "%.3g %%", 100 * margin);
    return text;
}

/* --- sentences --------------------------------------------------------------------------------------------------- */

static void write_head(FILE *out, const struct calibration *c, size_t columns)
{
    char machine[TABLE_LINE / 2], line[TABLE_LINE], elapsed[FORMAT_SIZE];
    snprintf(line, sizeof line, "muster calibrate · %s · idle: %s", table_machine(machine, sizeof machine, &c->host),
             c->idle);
    format_wrap(out, line, columns, TABLE_INDENT);
    snprintf(line, sizeof line, "one build on both sides%s%s%s · %zu cell%s · %u block%s in %s", c->commit ? " (" : "",
             c->commit ? c->commit : "", c->commit ? ")" : "", c->cell_count, c->cell_count == 1 ? "" : "s", c->blocks,
             c->blocks == 1 ? "" : "s", format_seconds(elapsed, c->elapsed_s));
    format_wrap(out, line, columns, TABLE_INDENT);
    fputc('\n', out);
}

static void write_false_alarms(FILE *out, const struct calibration *c, size_t columns)
{
    char line[TABLE_LINE], gate[FORMAT_SIZE], blocks[FORMAT_SIZE], most[FORMAT_SIZE];
    if (c->blocks_least == c->blocks_most)
        snprintf(blocks, sizeof blocks, "%u blocks", c->blocks_most);
    else
        snprintf(blocks, sizeof blocks, "%u to %u blocks", c->blocks_least, c->blocks_most);
    snprintf(
        line, sizeof line,
        "gate          of %s: %s of a cell, and a second measurement of what is slower; %u were replayed, one block "
        "later each, as they are and with their sides exchanged",
        format_seconds(gate, c->gate_s), blocks, c->gates);
    format_wrap(out, line, columns, WORD_INDENT);
    snprintf(line, sizeof line,
             "false alarms  %u of %u at a margin of %.3g %%; %u stretch%s not overlap: by these alone at most %s, with "
             "95 %% "
             "confidence%s",
             c->false_alarms, c->gates, 100 * c->margin, c->independent, c->independent == 1 ? " does" : "es do",
             percent(most, c->false_alarm_most),
             c->false_alarm_most > BOUND_LOOSE ? " (a longer --time says more)" : "");
    format_wrap(out, line, columns, WORD_INDENT);
    snprintf(line, sizeof line, "              %u of %u with the margins below, which come from the same recording",
             c->alarms_with_floors, c->gates);
    format_wrap(out, line, columns, WORD_INDENT);
    snprintf(line, sizeof line, "undecided     %.3g %% of them, with those margins", 100.0 * c->undecided / c->gates);
    format_wrap(out, line, columns, WORD_INDENT);
}

/* What a replay cannot show. */
static void write_pace(FILE *out, const struct calibration *c, size_t columns)
{
    char line[TABLE_LINE], replayed[FORMAT_SIZE], live[FORMAT_SIZE];
    if (!isfinite(c->confirm_s) || !isfinite(c->confirm_live_s))
        return;
    snprintf(
        line, sizeof line,
        "pace          replayed are whole blocks of all cells: the second measurement of what is slower lies over "
        "%s, where a live gate's takes %s, so noise that lasts some seconds weighs less here; --live runs the gate "
        "itself%s",
        format_seconds(replayed, c->confirm_s), format_seconds(live, c->confirm_live_s),
        c->capped ? ". A live gate gives the wildest cells more blocks than this recording holds: a longer --time "
                    "shows them"
                  : "");
    format_wrap(out, line, columns, WORD_INDENT);
}

static void write_power(FILE *out, const struct calibration *c, size_t columns)
{
    char line[TABLE_LINE] = "power         exit 1 when all cells are slower by";
    for (size_t i = 0; i < c->power_count; i++) {
        const struct calibrated_power *p = &c->powers[i];
        size_t used = strlen(line);
        snprintf(line + used, sizeof line - used, "%s %.3g %%: in %.3g %%", i ? "," : "", 100 * p->handicap,
                 p->gates ? 100.0 * p->caught / p->gates : 0);
    }
    size_t used = strlen(line);
    snprintf(line + used, sizeof line - used, " of these gates");
    if (c->power_count)
        format_wrap(out, line, columns, WORD_INDENT);
}

static void write_control(FILE *out, const struct calibration *c, size_t columns)
{
    const struct calibrated_control *k = &c->control;
    char line[TABLE_LINE];
    if (!k->id)
        return;
    snprintf(line, sizeof line, "control       %.*s with %.3g %% more work in each item: %s", (int)strcspn(k->id, " "),
             k->id, 100 * (k->expected - 1), k->verdict ? k->verdict : "not measured");
    size_t used = strlen(line);
    if (isfinite(k->low) && isfinite(k->high))
        snprintf(line + used, sizeof line - used, ", %+.1f %% [%+.1f %+.1f], %u blocks", 100 * (k->ratio - 1),
                 100 * (k->low - 1), 100 * (k->high - 1), k->blocks);
    format_wrap(out, line, columns, WORD_INDENT);
}

static void write_live(FILE *out, const struct calibration *c, size_t columns)
{
    const struct calibrated_live *l = &c->live;
    unsigned broken = l->gates - l->passed - l->inconclusive - l->alarms;
    char line[TABLE_LINE], rest[FORMAT_SIZE] = "";
    if (!l->gates)
        return;
    if (broken)
        snprintf(rest, sizeof rest, ", %u not measured", broken);
    snprintf(line, sizeof line, "live          %u gate%s: %u passed, %u inconclusive, %u false alarm%s%s", l->gates,
             l->gates == 1 ? "" : "s", l->passed, l->inconclusive, l->alarms, l->alarms == 1 ? "" : "s", rest);
    format_wrap(out, line, columns, WORD_INDENT);
}

/* "3", "3 to 8": how many stretches the floors rest on; "" where there is none. */
static char *stretches_of(char text[FORMAT_SIZE], const struct calibration *c)
{
    unsigned least = 0, most = 0;
    for (size_t i = 0; i < c->cell_count; i++) {
        unsigned stretches = isfinite(c->cells[i].floor) ? c->cells[i].floor_stretches : 0;
        if (stretches && (!least || stretches < least))
            least = stretches;
        most = stretches > most ? stretches : most;
    }
    text[0] = '\0';
    if (least)
        snprintf(text, FORMAT_SIZE, least == most ? "%u" : "%u to %u", least, most);
    return text;
}

/* A gate that misses even the largest slowdown is not worth its time, and a reader shall not find out by its misses. */
static void write_warning(FILE *out, const struct calibration *c, size_t columns)
{
    const struct calibrated_power *p = c->power_count ? &c->powers[c->power_count - 1] : NULL;
    const double spoiled = calibration_spoiled(c);
    char line[TABLE_LINE], why[FORMAT_SIZE] = "";
    if (!p || !p->gates || p->caught >= POWER_LEAST * p->gates)
        return;
    if (spoiled > 0)
        snprintf(why, sizeof why, "; %.0f %% of the pairs were spoiled", 100 * spoiled);
    snprintf(line, sizeof line,
             "Beware: this gate misses even what is slower by %.3g %%, in %.0f of 100%s. Calibrate again when the "
             "machine is quieter, and for longer.",
             100 * p->handicap, 100 - 100.0 * p->caught / p->gates, why);
    format_wrap(out, line, columns, 0);
}

/* "From now on the margin of 3 cells is up to 8.57 % instead of 2 %." */
static void write_margins(FILE *out, const struct calibration *c, size_t columns)
{
    char line[TABLE_LINE], most[FORMAT_SIZE];
    double widest = 0;
    size_t wider = 0;
    for (size_t i = 0; i < c->cell_count; i++)
        if (FLOOR_FACTOR * c->cells[i].floor > c->margin) {
            widest = fmax(widest, FLOOR_FACTOR * c->cells[i].floor);
            wider++;
        }
    snprintf(line, sizeof line, "From now on the margin of %zu cell%s is %s%s instead of %.3g %%.", wider,
             wider == 1 ? "" : "s", wider == 1 ? "" : "up to ", margin_percent(most, widest), 100 * c->margin);
    if (wider)
        format_wrap(out, line, columns, 0);
}

static void write_legend(FILE *out, const struct calibration *c, const char *kept, size_t columns)
{
    char line[TABLE_LINE], stretches[FORMAT_SIZE], rests[TABLE_LINE / 2] = "";
    if (*stretches_of(stretches, c))
        snprintf(rests, sizeof rests, " (with 90 %% confidence, by %s stretches that do not overlap)", stretches);
    snprintf(
        line, sizeof line,
        "noise: in 95 of 100 stretches the median of a cell is nearer to no difference%s. margin: what a gate lets "
        "pass here, the larger of %.3g %% and %g times the noise. caught: a slowdown of that cell alone that is "
        "called slower twice in 95 of 100. pair: standard deviation of one pair; lag-1: correlation of "
        "neighbours. session: standard deviation from minute to minute within this recording; from day "
        "to day it may be more. spoiled: pairs that were left out, since the machine moved around them.",
        rests, 100 * c->margin, FLOOR_FACTOR);
    fputc('\n', out);
    format_wrap(out, line, columns, 0);
    fputc('\n', out);
    if (!kept) {
        format_wrap(out, "None of it is kept: the margins of muster duet and muster compare stay as they are.", columns,
                    0);
        return;
    }
    write_warning(out, c, columns);
    write_margins(out, c, columns);
    snprintf(line, sizeof line, "Kept in %s, for muster duet and muster compare.", kept);
    format_wrap(out, line, columns, 0);
}

/* --- the table --------------------------------------------------------------------------------------------------- */

/* "counter/fork-pool", or all of the id where another cell has that name too. */
static void put_name(struct grid *grid, const struct calibration *c, const char *id)
{
    size_t length = strcspn(id, " ");
    unsigned same = 0;
    for (size_t i = 0; i < c->cell_count; i++)
        same += strncmp(c->cells[i].id, id, length) == 0 && strcspn(c->cells[i].id, " ") == length;
    grid_put(grid, COLUMN_CELL, GRID_PLAIN, "%.*s", same > 1 ? (int)strlen(id) : (int)length, id);
}

static void put_row(struct grid *grid, const struct calibration *c, const struct calibrated_cell *cell)
{
    char text[FORMAT_SIZE];
    grid_row(grid);
    put_name(grid, c, cell->id);
    grid_put(grid, COLUMN_FLOOR, GRID_PLAIN, "%s", percent(text, cell->floor));
    if (isfinite(cell->floor)) {
        grid_put(grid, COLUMN_MARGIN, GRID_PLAIN, "%s",
                 margin_percent(text, fmax(c->margin, FLOOR_FACTOR * cell->floor)));
        grid_put(grid, COLUMN_CAUGHT, GRID_PLAIN, "%s",
                 isfinite(cell->caught) ? percent(text, cell->caught) : "> 25 %");
    }
    grid_put(grid, COLUMN_PAIR, GRID_PLAIN, "%s", percent(text, cell->pair_sd));
    if (isfinite(cell->lag1))
        grid_put(grid, COLUMN_LAG1, GRID_PLAIN, "%+.2f", cell->lag1);
    grid_put(grid, COLUMN_SESSIONS, GRID_PLAIN, "%s", percent(text, cell->session_sd));
    if (cell->pairs)
        grid_put(grid, COLUMN_SPOILED, GRID_PLAIN, "%.0f %%", 100.0 * cell->spoiled / cell->pairs);
}

static int write_table(FILE *out, const struct calibration *c, size_t columns, bool colour)
{
    static const char *const titles[] = {"", "noise", "margin", "caught", "pair", "lag-1", "session", "spoiled"};
    struct grid grid;
    if (grid_open(&grid, ALIGN) != 0)
        return -1;
    grid_row(&grid);
    for (size_t i = 1; i < sizeof titles / sizeof *titles; i++)
        grid_put(&grid, i, GRID_FAINT, "%s", titles[i]);
    for (size_t i = 0; i < c->cell_count; i++)
        put_row(&grid, c, &c->cells[i]);
    int result = grid_write(out, &grid, TABLE_INDENT, columns, colour);
    grid_close(&grid);
    return result;
}

int calibration_print(FILE *out, const struct calibration *c, const char *kept, const struct report_style *style)
{
    size_t columns = style->columns ? style->columns : 80;
    write_head(out, c, columns);
    if (c->gates > 0) {
        write_false_alarms(out, c, columns);
        write_pace(out, c, columns);
        write_power(out, c, columns);
    }
    write_control(out, c, columns);
    write_live(out, c, columns);
    if (c->gates > 0 || c->control.id || c->live.gates > 0)
        fputc('\n', out);
    int result = write_table(out, c, columns, style->colour);
    write_legend(out, c, kept, columns);
    return result != 0 || ferror(out) ? -1 : 0;
}
