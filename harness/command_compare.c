/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_compare.c - `muster compare`: reads two results files, or three, and says cell by cell what became of them.
 *
 * What forbids a verdict is told before any cell is looked at. What is known of the machine comes from its calibration,
 * where there is one; without it the comparison is as wary as reports/compare.h says. */
#include "harness/commands.h"
#include "harness/compare_notes.h"
#include "harness/duet_judge.h"
#include "harness/folder.h"
#include "harness/options.h"
#include "harness/records.h"
#include "harness/suggest.h"
#include "harness/terminal.h"
#include "harness/units.h"

#include "reports/compare.h"
#include "reports/verdict_report.h"

#include <errno.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum format { FORMAT_TABLE, FORMAT_JSON };
enum file { FILE_BASE, FILE_NEW, FILE_AGAIN, FILES };

struct compare_request {
    const char *folder, *records; /* NULL: no verdict.json; where calibrations are always */
    struct text_list vary;
    unsigned declared; /* the same, as groups */
    double margin;
    int format;
    char **paths;
    size_t count; /* of the files */
};

/* Everything that a comparison holds, so that one function frees it. */
struct comparing {
    struct compare_request request;
    struct results files[FILES];
    size_t read; /* of them */
    struct calibration calibration;
    struct criteria criteria;
    struct comparison comparison;
    struct compare_notes notes;
};

static const struct {
    const char *name;
    enum group group;
} vary_groups[] = {{"cpu", GROUP_CPU}, {"kernel", GROUP_KERNEL}, {"code", GROUP_CODE}};

enum { VARY_GROUPS = sizeof vary_groups / sizeof *vary_groups };

/* --- the command line -------------------------------------------------------------------------------------------- */

static int parse_vary(const struct option_spec *spec, const char *text, struct problem *problem)
{
    struct compare_request *request = spec->target;
    const struct option_spec list = {.name = spec->name, .target = &request->vary};
    if (options_list(&list, text, problem))
        return -1;
    request->declared = 0;
    for (size_t i = 0; i < request->vary.count; i++) {
        const char *word = request->vary.items[i];
        struct suggestion suggestion = {.wrong = word};
        unsigned before = request->declared;
        bool known = false;
        for (size_t k = 0; k < VARY_GROUPS; k++) {
            suggest_offer(&suggestion, vary_groups[k].name);
            known |= strcmp(vary_groups[k].name, word) == 0;
            request->declared |= strcmp(vary_groups[k].name, word) == 0 ? vary_groups[k].group : 0;
        }
        if (!known)
            return problem_set(problem, EXIT_USAGE, "--vary: unknown '%s'%s", word,
                               suggestion.nearest ? suggest_clause(&suggestion) : "; there are cpu, kernel, code");
        if (request->declared == before)
            return problem_set(problem, EXIT_USAGE, "--vary: '%s' is there twice", word);
    }
    return 0;
}

static int check_files(const struct compare_request *request, struct problem *problem)
{
    if (request->count < 2)
        return problem_set(problem, EXIT_USAGE,
                           "muster compare needs two results files, BASE and NEW; see muster compare --help");
    if (request->count > FILES)
        return problem_set(problem, EXIT_USAGE, "muster compare takes BASE, NEW and AGAIN, not %zu files",
                           request->count);
    if (request->count == FILES && (request->declared & (GROUP_CPU | GROUP_KERNEL)))
        return problem_set(problem, EXIT_USAGE,
                           "AGAIN confirms verdicts, and between machines or kernels (--vary) there are none");
    return 0;
}

static const char notes_text[] = "A file may be named by its folder. The two runs must be of the same machine and\n"
                                 "on the same terms; what of muster's own code differs is told.\n"
                                 "\n"
                                 "What is slower in NEW is a regression only when a second, later measurement of\n"
                                 "the same build says so too: give it as AGAIN. Without it such a cell is\n"
                                 "inconclusive. All are held against one BASE; muster duet measures both builds\n"
                                 "side by side, sees smaller differences, and confirms what it finds.\n"
                                 "\n"
                                 "Two runs of the same build differ, too: muster calibrate learns by how much.\n"
                                 "Until it has, nothing under 10 % is called slower or faster.\n"
                                 "\n"
                                 "What surrounds the code changes, too. Each run holds work that has none of it:\n"
                                 "additions in registers (spin), a system call (call), reads beyond the caches\n"
                                 "(memory), one cache line that two CPUs change (line), waking an idle CPU (wake).\n"
                                 "Where one of these took 20 % longer in NEW, a cell may have as well, and is not\n"
                                 "called slower for that; where less long, none passes that may hide behind it.\n"
                                 "\n"
                                 "Exit status: 0 nothing is slower; 1 a regression, confirmed; 3 inconclusive;\n"
                                 "4 the two cannot be compared, or cells are missing; 5 a cell failed. With --vary\n"
                                 "cpu or kernel there are ratios and no verdicts: 0, or 4 or 5 as before.";

static int request_parse(struct compare_request *request, int argc, char **argv, struct problem *problem)
{
    static const char *const formats[] = {[FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", NULL};
    const struct option_spec options[] = {
        {.name = "vary",
         .argument = "LIST",
         .help = "what may differ between the two: cpu, kernel, code (compiler and flags)",
         .preset = "nothing",
         .parse = parse_vary,
         .target = request},
        {.name = "margin",
         .argument = "PCT",
         .help = "what is no difference yet",
         .preset = "2%",
         .parse = options_percent,
         .target = &request->margin,
         .min = UNITS_PERCENT,
         .max = 100 * UNITS_PERCENT},
        {.name = "records",
         .argument = "DIR",
         .help = "where calibrations are kept",
         .preset = "$MUSTER_RECORDS, or ~/.local/state/muster",
         .parse = options_text,
         .target = &request->records},
        {.name = "output",
         .letter = 'o',
         .argument = "DIR",
         .help = "also write verdict.json there; the folder is made if it is not there",
         .parse = options_text,
         .target = &request->folder},
        {.name = "format",
         .argument = "FORMAT",
         .help = "table or json, on stdout",
         .preset = "table",
         .parse = options_choice,
         .target = &request->format,
         .choices = formats},
        {.name = NULL},
    };
    const struct command_spec spec = {
        .name = "compare",
        .summary = "Compares two results files: a verdict per cell, and one for all.",
        .operands = "BASE NEW [AGAIN]",
        .options = options,
        .notes = notes_text,
    };
    int first = options_parse(&spec, argc, argv, problem);
    if (first <= 0)
        return first;
    request->paths = argv + first;
    request->count = (size_t)(argc - first);
    return check_files(request, problem) ? -1 : 1;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static int read_files(struct comparing *c, struct problem *problem)
{
    struct report_error error = {.code = 0};
    for (; c->read < c->request.count; c->read++)
        if (results_read(&c->files[c->read], c->request.paths[c->read], &error))
            return problem_set(problem, error.code, "%s", error.text);
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

/* "A is the same run as B", where it is: each of the files is a measurement of its own. */
static int check_same(const struct comparing *c, struct problem *problem)
{
    static const char *const roles[FILES] = {[FILE_NEW] = "another one", [FILE_AGAIN] = "a second measurement"};
    for (size_t later = FILE_NEW; later < c->read; later++)
        for (size_t i = 0; i < later; i++)
            if (same_text(c->files[i].created, c->files[later].created) && c->files[i].seed == c->files[later].seed)
                return problem_set(problem, EXIT_USAGE, "%s is the same run as %s, not %s", c->request.paths[later],
                                   c->request.paths[i], roles[later]);
    return 0;
}

/* A second measurement is another run of the same build, on the same machine and terms. */
static int check_again(const struct comparing *c, struct problem *problem)
{
    const struct results *new = &c->files[FILE_NEW], *again = &c->files[FILE_AGAIN];
    struct difference *differences = NULL;
    size_t count = 0;
    int result = 0;
    if (c->read < FILES)
        return 0;
    if (new->created && again->created &&strcmp(again->created, new->created) < 0)
        return problem_set(problem, EXIT_USAGE, "%s was measured before %s: the later run is given third",
                           c->request.paths[FILE_AGAIN], c->request.paths[FILE_NEW]);
    if (new->handicap < again->handicap || new->handicap > again->handicap)
        return problem_set(
            problem, EXIT_INCOMPARABLE, "%s was measured with another --handicap than %s (%g %%, not %g %%)",
            c->request.paths[FILE_AGAIN], c->request.paths[FILE_NEW], 100 * again->handicap, 100 * new->handicap);
    if (!same_text(new->version, again->version) || !same_text(new->commit, again->commit))
        return problem_set(problem, EXIT_INCOMPARABLE, "%s is of another build than %s (commit %s, not %s)",
                           c->request.paths[FILE_AGAIN], c->request.paths[FILE_NEW],
                           again->commit ? again->commit : "not known", new->commit ? new->commit : "not known");
    if (fingerprint_compare(new, again, &differences, &count))
        return problem_set(problem, EXIT_UNPROVED, "no memory to compare the files");
    if (fingerprint_forbids(differences, count, 0)) {
        size_t i = 0;
        while (!differences[i].hard)
            i++;
        result = problem_set(problem, EXIT_INCOMPARABLE, "%s was not measured as %s was: %s is %s, not %s",
                             c->request.paths[FILE_AGAIN], c->request.paths[FILE_NEW], differences[i].name,
                             differences[i].candidate, differences[i].base);
    }
    free(differences);
    return result;
}

/* None is fine, and said; one that cannot be read is an error. */
static int read_calibration(struct comparing *c, bool *known, struct problem *problem)
{
    struct report_error error = {.code = 0};
    struct problem nowhere;
    *known = false;
    if (c->request.declared & (GROUP_CPU | GROUP_KERNEL))
        return 0;
    char *folder = records_folder(c->request.records, &nowhere);
    int got = folder ? calibration_read(&c->calibration, folder, &c->files[FILE_BASE].host, &error) : 1;
    free(folder);
    if (got < 0)
        return problem_set(problem, error.code, "%s", error.text);
    *known = got == 0 && notes_of_calibration(&c->notes, &c->calibration, &c->files[FILE_BASE]);
    return 0;
}

static int note_files(struct comparing *c)
{
    int result = 0;
    for (size_t i = 0; i < c->read && result == 0; i++)
        result = notes_of_file(&c->notes, &c->files[i], c->request.paths[i]);
    return result;
}

static int compare(struct comparing *c, struct problem *problem)
{
    bool known;
    /* A verdict of other files must not be taken for theirs, however this ends. */
    if (c->request.folder && folder_forget(c->request.folder, "verdict.json", problem))
        return -1;
    if (read_files(c, problem) || check_same(c, problem) || check_again(c, problem) ||
        read_calibration(c, &known, problem))
        return -1;
    c->criteria = criteria_default;
    c->criteria.margin = c->request.margin;
    c->criteria.blocks_least = c->criteria.confirm_blocks = STATISTICS_LEAST;
    c->criteria.confirm_cells = c->read == FILES ? c->files[FILE_BASE].cell_count : 0;
    const struct compare_terms terms = {
        .criteria = &c->criteria, .declared = c->request.declared, .calibration = known ? &c->calibration : NULL};
    if (compare_results(&c->comparison, &c->files[FILE_BASE], &c->files[FILE_NEW],
                        c->read == FILES ? &c->files[FILE_AGAIN] : NULL, &terms) ||
        note_files(c) || notes_of_comparison(&c->notes, &c->comparison, &terms))
        return problem_set(problem, EXIT_UNPROVED, "no memory to compare the files");
    return 0;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static struct judgement judgement_of(const struct comparing *c)
{
    const struct results *base = &c->files[FILE_BASE], *new = &c->files[FILE_NEW];
    const bool same_machine = c->comparison.judged && !c->comparison.forbidden;
    return (struct judgement){
        .kind = "compare",
        .base = {c->request.paths[FILE_BASE], base->version, base->commit},
        .candidate = {c->request.paths[FILE_NEW], new->version, new->commit},
        .again = {c->read == FILES ? c->request.paths[FILE_AGAIN] : NULL, c->files[FILE_AGAIN].version,
                  c->files[FILE_AGAIN].commit},
        .about = same_machine ? base : NULL,
        .differences = c->comparison.differences,
        .difference_count = c->comparison.difference_count,
        .declared = c->request.declared,
        .cells = c->comparison.cells,
        .reasons = (const char **)c->comparison.reasons,
        .findings = c->comparison.findings,
        .count = c->comparison.count,
        .overall = c->comparison.overall,
        .criteria = &c->criteria,
        .floors = c->comparison.floors,
        .judged = c->comparison.judged,
        .controls = &c->comparison.controls,
        .controls_again = &c->comparison.controls_again,
        .notes = (const char *const *)c->notes.lines,
    };
}

static int write_json(const struct judgement *judgement)
{
    json_t *json = verdict_to_json(judgement);
    int result = json ? json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : -1;
    json_decref(json);
    return result == 0 && putchar('\n') != EOF ? 0 : -1;
}

/* The exit code of what was written; a write error stays in stdout, where main() looks for it. */
static int write_all(const struct comparing *c, struct problem *problem)
{
    const struct judgement judgement = judgement_of(c);
    const struct report_style style = terminal_style(false, NULL);
    struct report_error error = {.code = 0};
    if (c->request.folder) {
        if (folder_make(c->request.folder, problem))
            return -1;
        if (verdict_write(&judgement, c->request.folder, &error))
            return problem_set(problem, error.code, "%s", error.text);
    }
    errno = 0;
    int bad = c->request.format == FORMAT_JSON ? write_json(&judgement) : verdict_print(stdout, &judgement, &style);
    if (bad && !ferror(stdout))
        return problem_set(problem, EXIT_UNPROVED, "the verdicts cannot be printed: %s",
                           strerror(errno ? errno : ENOMEM));
    return 0;
}

/* "cpu,code": what --vary would have to declare. */
static void list_groups(const struct comparison *c, unsigned declared, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t g = 0; g < VARY_GROUPS; g++) {
        bool differs = false;
        for (size_t i = 0; i < c->difference_count; i++)
            differs |= c->differences[i].hard && c->differences[i].group == vary_groups[g].group;
        const size_t used = strlen(text);
        if (differs || (declared & vary_groups[g].group))
            snprintf(text + used, size - used, "%s%s", used ? "," : "", vary_groups[g].name);
    }
}

/* One line on stderr for what the table tells at length, and what to do: terms are never declared. */
static void forbid(const struct comparing *c, struct problem *problem)
{
    const struct difference *d = c->comparison.differences;
    char terms[160] = "", groups[40], vary[80];
    size_t hard = 0;
    list_groups(&c->comparison, c->request.declared, groups, sizeof groups);
    snprintf(vary, sizeof vary, " (--vary %s declares what may)", groups);
    for (size_t i = 0; i < c->comparison.difference_count; i++) {
        if (!d[i].hard || (d[i].group & c->request.declared))
            continue;
        size_t used = strlen(terms);
        if (d[i].group == GROUP_TERMS)
            snprintf(terms + used, sizeof terms - used, "%s%s", used ? ", " : "", d[i].name);
        hard++;
    }
    problem_set(problem, EXIT_INCOMPARABLE,
                "the two cannot be compared: %zu propert%s of machine, kernel, build or terms differ%s%s%s%s", hard,
                hard == 1 ? "y" : "ies", hard == 1 ? "s" : "", *terms ? "; terms (" : vary, terms,
                *terms ? ") cannot be declared: measure NEW again with muster run --like BASE" : "");
}

static int code_of(const struct comparing *c)
{
    struct problem problem;
    if (!c->comparison.forbidden)
        return duet_exit_code(c->comparison.overall);
    forbid(c, &problem);
    return problem_print(&problem);
}

static void comparing_free(struct comparing *c)
{
    for (size_t i = 0; i < c->read; i++)
        results_free(&c->files[i]);
    calibration_free(&c->calibration);
    comparison_free(&c->comparison);
    notes_free(&c->notes);
    text_list_free(&c->request.vary);
}

int command_compare(int argc, char **argv)
{
    struct comparing c = {.request = {.margin = MARGIN_DEFAULT, .format = FORMAT_TABLE}};
    struct problem problem;
    gsl_set_error_handler_off();
    int first = request_parse(&c.request, argc, argv, &problem);
    int code;
    if (first == 0)
        code = EXIT_FINE;
    else if (first < 0 || compare(&c, &problem) || write_all(&c, &problem))
        code = problem_print(&problem);
    else
        code = code_of(&c);
    comparing_free(&c);
    return code;
}
