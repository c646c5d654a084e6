/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_list.c - `muster list`: strategies, variants, workloads, and what each can do.
 *
 * All of it comes from the registry. In the matrix, workloads of which every row says the same share a column, and
 * reasons are numbered, so that it says each reason once; columns that a terminal has no room for stand below. */
#include "bench/registry.h"
#include "harness/commands.h"
#include "harness/options.h"
#include "harness/terminal.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum format { FORMAT_TABLE, FORMAT_JSON };
enum { WORKLOADS_MOST = 64, REASONS_MOST = 32, REASON_SIZE = 200, NAME_SIZE = 80, GAP = 2 };

/* --- what each can do -------------------------------------------------------------------------------------------- */

/* With the parameters that suit best: what is n/a then is n/a always. */
static const char *lacks(const struct strategy *strategy, unsigned variant, const struct workload *workload, char *text)
{
    size_t least = workload->payload_least;
    struct parameters parameters = {
        .workers = workload->multiple ? workload->multiple : 1,
        .chunk = 1,
        .items = 1,
        .payload = least > 8 ? least : 8,
    };
    return combination_lacks(strategy, variant, workload, &parameters, text, REASON_SIZE);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether all rows say the same of two workloads. */
static bool alike(const struct workload *a, const struct workload *b)
{
    char of_a[REASON_SIZE], of_b[REASON_SIZE];
    for (const struct strategy *const *s = strategies; *s; s++)
        for (unsigned v = 0; v < variant_count(*s); v++)
            if (!same(lacks(*s, v, a, of_a), lacks(*s, v, b, of_b)))
                return false;
    return true;
}

/* As wide as the terminal. */
static void wrap(const char *text, unsigned column)
{
    options_wrap_to(terminal_columns(STDOUT_FILENO), text, column);
}

/* --- the table --------------------------------------------------------------------------------------------------- */

/* A column of the matrix: workloads of the registry, from `first` on. */
struct column {
    unsigned first, count;
    int width;
};

struct matrix {
    struct column columns[WORKLOADS_MOST];
    unsigned column_count;
    int margin; /* of the names of the rows */
    char reasons[REASONS_MOST][REASON_SIZE];
    unsigned reason_count;
};

static void matrix_columns(struct matrix *matrix)
{
    for (unsigned w = 0; workloads[w] && matrix->column_count < WORKLOADS_MOST; w++) {
        struct column *last = matrix->column_count ? &matrix->columns[matrix->column_count - 1] : NULL;
        int width = (int)strlen(workloads[w]->name);
        if (!last || !alike(workloads[last->first], workloads[w])) {
            last = &matrix->columns[matrix->column_count++];
            *last = (struct column){.first = w, .width = (int)strlen("n/a 99")};
        }
        last->count++;
        last->width = width > last->width ? width : last->width;
    }
    for (const struct strategy *const *s = strategies; *s; s++)
        for (unsigned v = 0; v < variant_count(*s); v++) {
            int width = (int)(strlen((*s)->name) + 1 + strlen((*s)->variants[v].name));
            matrix->margin = width > matrix->margin ? width : matrix->margin;
        }
}

/* The number of a reason, from 1; 0 when there is no room for more. */
static unsigned matrix_reason(struct matrix *matrix, const char *reason)
{
    for (unsigned i = 0; i < matrix->reason_count; i++)
        if (strcmp(matrix->reasons[i], reason) == 0)
            return i + 1;
    if (matrix->reason_count == REASONS_MOST)
        return 0;
    snprintf(matrix->reasons[matrix->reason_count], REASON_SIZE, "%s", reason);
    return ++matrix->reason_count;
}

/* The names of each column's workloads below each other, the last one just above the matrix. */
static void print_heads(const struct matrix *matrix, unsigned from, unsigned to)
{
    unsigned lines = 0;
    for (unsigned c = from; c < to; c++)
        lines = matrix->columns[c].count > lines ? matrix->columns[c].count : lines;
    for (unsigned line = 0; line < lines; line++) {
        int blanks = GAP + matrix->margin;
        for (unsigned c = from; c < to; c++) {
            const struct column *column = &matrix->columns[c];
            unsigned empty = lines - column->count;
            const char *name = line >= empty ? workloads[column->first + line - empty]->name : "";
            blanks += GAP;
            if (*name) {
                printf("%*s%s", blanks, "", name);
                blanks = 0;
            }
            blanks += column->width - (int)strlen(name);
        }
        putchar('\n');
    }
}

static void print_row(struct matrix *matrix, const struct strategy *strategy, unsigned variant, unsigned from,
                      unsigned to)
{
    char name[NAME_SIZE], reason[REASON_SIZE], answer[32];
    snprintf(name, sizeof name, "%s:%s", strategy->name, strategy->variants[variant].name);
    printf("%*s%-*s", GAP, "", matrix->margin, name);
    for (unsigned c = from; c < to; c++) {
        const char *why = lacks(strategy, variant, workloads[matrix->columns[c].first], reason);
        if (why)
            snprintf(answer, sizeof answer, "n/a %u", matrix_reason(matrix, why));
        printf("%*s%-*s", GAP, "", c + 1 < to ? matrix->columns[c].width : 0, why ? answer : "yes");
    }
    putchar('\n');
}

static void print_matrix(struct matrix *matrix)
{
    const int width = (int)terminal_columns(STDOUT_FILENO);
    for (unsigned from = 0, to; from < matrix->column_count; from = to) {
        int used = GAP + matrix->margin;
        for (to = from; to < matrix->column_count; to++) {
            used += GAP + matrix->columns[to].width;
            if (used > width && to > from)
                break;
        }
        putchar('\n');
        print_heads(matrix, from, to);
        for (const struct strategy *const *s = strategies; *s; s++)
            for (unsigned v = 0; v < variant_count(*s); v++)
                print_row(matrix, *s, v, from, to);
    }
    if (matrix->reason_count)
        putchar('\n');
    for (unsigned i = 0; i < matrix->reason_count; i++) {
        printf("  n/a %-2u  ", i + 1);
        wrap(matrix->reasons[i], GAP + 8);
    }
}

/* "  NAME  text", wrapped beside the name. */
static void print_entry(int indent, int column, const char *name, const char *text)
{
    int used = printf("%*s%s", indent, "", name);
    printf("%*s", used + GAP > column ? GAP : column - used, "");
    wrap(text, (unsigned)column);
}

/* What a strategy does for an operation, or why it does not. */
static const char *clause_text(const struct strategy *s, const struct clause *clause, char text[2 * REASON_SIZE])
{
    const char *why = variant_lacks(s, 0, clause->need);
    snprintf(text, 2 * REASON_SIZE, "%s%s", why ? "n/a: " : "", why ? why : clause->does ? clause->does : "");
    return text;
}

static void print_semantics(void)
{
    enum { OPERATION = 4, CLAUSE = 16 };
    struct clause clauses[CLAUSES];
    char text[2 * REASON_SIZE];
    printf("\nwhat each does for an operation, and when others see what it wrote\n");
    for (const struct strategy *const *s = strategies; *s; s++) {
        if ((*s)->role == ROLE_LIMITS)
            continue;
        printf("%*s%s\n", GAP, "", (*s)->name);
        strategy_clauses(*s, clauses);
        for (unsigned i = 0; i < CLAUSES; i++)
            print_entry(OPERATION, CLAUSE, clauses[i].name, clause_text(*s, &clauses[i], text));
        print_entry(OPERATION, CLAUSE, "seen", (*s)->variants[0].visible);
    }
}

static int print_table(bool long_form)
{
    static struct matrix matrix;
    enum { NAMES = 4, COLUMN = 20 };
    char text[REASON_SIZE + 100];
    printf("strategies, each with its variants, the default first\n");
    for (const struct strategy *const *s = strategies; *s; s++) {
        print_entry(GAP, COLUMN, (*s)->name, (*s)->summary);
        for (const struct variant *v = (*s)->variants; v->name; v++) {
            snprintf(text, sizeof text, "%s%s", v->summary, v->incorrect ? " (by its name only, never ranked)" : "");
            print_entry(NAMES, COLUMN, v->name, text);
        }
    }
    printf("\nworkloads\n");
    for (const struct workload *const *w = workloads; *w; w++) {
        snprintf(text, sizeof text, "%s, %s", (*w)->summary, (*w)->unit);
        print_entry(GAP, COLUMN, (*w)->name, text);
    }
    if (long_form)
        print_semantics();
    printf("\nwhat each can do\n");
    matrix = (struct matrix){.column_count = 0};
    matrix_columns(&matrix);
    print_matrix(&matrix);
    return EXIT_FINE;
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *json_variants(const struct strategy *strategy)
{
    json_t *array = json_array();
    for (const struct variant *v = strategy->variants; v->name; v++)
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:b}", "name", v->name, "summary", v->summary,
                                               "visible", v->visible, "incorrect", (int)v->incorrect));
    return array;
}

static json_t *json_does(const struct strategy *strategy)
{
    struct clause clauses[CLAUSES];
    char text[2 * REASON_SIZE];
    json_t *does = json_object();
    strategy_clauses(strategy, clauses);
    for (unsigned i = 0; i < CLAUSES; i++)
        json_object_set_new(does, clauses[i].name, json_string(clause_text(strategy, &clauses[i], text)));
    return does;
}

static json_t *json_strategies(void)
{
    static const char *const roles[] = {
        [ROLE_COMPARED] = "strategy", [ROLE_CONTROL_ONLY] = "control", [ROLE_LIMITS] = "yardstick"};
    json_t *array = json_array();
    for (const struct strategy *const *s = strategies; *s; s++)
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", (*s)->name, "summary",
                                               (*s)->summary, "role", roles[(*s)->role], "does", json_does(*s),
                                               "variants", json_variants(*s)));
    return array;
}

static json_t *json_workloads(void)
{
    json_t *array = json_array();
    for (const struct workload *const *w = workloads; *w; w++)
        json_array_append_new(
            array, json_pack("{s:s, s:s, s:s}", "name", (*w)->name, "summary", (*w)->summary, "unit", (*w)->unit));
    return array;
}

static json_t *json_matrix(void)
{
    char reason[REASON_SIZE];
    json_t *array = json_array();
    for (const struct strategy *const *s = strategies; *s; s++)
        for (unsigned v = 0; v < variant_count(*s); v++)
            for (const struct workload *const *w = workloads; *w; w++) {
                const char *why = lacks(*s, v, *w, reason);
                json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:b, s:s*}", "strategy", (*s)->name, "variant",
                                                       (*s)->variants[v].name, "workload", (*w)->name, "can", !why,
                                                       "reason", why));
            }
    return array;
}

static int print_json(void)
{
    struct problem problem;
    json_t *root = json_pack("{s:o, s:o, s:o}", "strategies", json_strategies(), "workloads", json_workloads(),
                             "matrix", json_matrix());
    if (!root) {
        problem_set(&problem, EXIT_UNPROVED, "the lists cannot be written as JSON: memory is short");
        return problem_print(&problem);
    }
    /* A write error stays in stdout, where main() looks for it. */
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
    return EXIT_FINE;
}

int command_list(int argc, char **argv)
{
    static const char *const formats[] = {[FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", NULL};
    int format = FORMAT_TABLE, first;
    bool long_form = false;
    struct problem problem;
    const struct option_spec options[] = {
        {.name = "format",
         .argument = "FORMAT",
         .help = "table or json",
         .preset = "table",
         .parse = options_choice,
         .target = &format,
         .choices = formats},
        {.name = "long",
         .letter = 'l',
         .help = "also what each strategy does for each operation",
         .parse = options_flag,
         .target = &long_form},
        {.name = NULL},
    };
    const struct command_spec spec = {
        .name = "list",
        .summary = "Lists strategies, their variants and workloads, and says what each can do, with the reason for "
                   "each n/a.",
        .options = options,
    };
    first = options_parse(&spec, argc, argv, &problem);
    if (first <= 0)
        return first == 0 ? EXIT_FINE : problem_print(&problem);
    return format == FORMAT_JSON ? print_json() : print_table(long_form);
}
