/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_doctor.c - `muster doctor`: what on this machine spoils measurements, and what would mend it.
 *
 * It looks, measures and prints; it changes nothing, so whoever wants a thing mended types the command. */
#include "harness/commands.h"
#include "harness/doctor.h"
#include "harness/host.h"
#include "harness/options.h"
#include "harness/terminal.h"

#include <gsl/gsl_errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum format { FORMAT_TABLE, FORMAT_JSON };

enum { NAME_COLUMN = 11, TEXT_COLUMN = 25, LINE_SIZE = 1000 };

/* --- the table --------------------------------------------------------------------------------------------------- */

static void print_part(unsigned columns, const char *title, const char *text)
{
    if (!*text)
        return;
    printf("%*s%s", TEXT_COLUMN, "", title);
    options_wrap_to(columns, text, TEXT_COLUMN + (unsigned)strlen(title));
}

static void print_finding(unsigned columns, const struct diagnosis *f)
{
    printf("  %-*s%-*s", NAME_COLUMN - 2, severity_name(f->severity), TEXT_COLUMN - NAME_COLUMN, f->name);
    options_wrap_to(columns, f->found, TEXT_COLUMN);
    print_part(columns, "does:  ", f->effect);
    print_part(columns, "mend:  ", f->mend);
}

static void print_table(const struct readings *r, const struct diagnosis *findings)
{
    const unsigned columns = terminal_columns(STDOUT_FILENO);
    const struct host *h = r->host;
    char line[LINE_SIZE];
    const char *kernel = h->kernel ? h->kernel : "";
    snprintf(line, sizeof line, "%s \u00b7 %u core%s, %u processing unit%s \u00b7 Linux %.*s",
             h->cpu ? h->cpu : h->arch, r->cores, r->cores == 1 ? "" : "s", r->units, r->units == 1 ? "" : "s",
             (int)strcspn(kernel, " "), kernel);
    options_wrap_to(columns, line, 0);
    putchar('\n');
    for (size_t i = 0; i < doctor_check_count(); i++)
        print_finding(columns, &findings[i]);
    putchar('\n');
    options_wrap_to(columns, doctor_line(r, line, sizeof line), 0);
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

/* Whole numbers as such. */
static json_t *json_value(const struct diagnosis_value *value)
{
    const double exact = 0x1p53;
    if (value->text)
        return json_string(value->text);
    if (fabs(value->number) < exact && value->number == floor(value->number))
        return json_integer((json_int_t)value->number);
    return json_real(value->number);
}

static json_t *json_values(const struct diagnosis *f)
{
    json_t *values = json_object();
    for (size_t i = 0; i < f->value_count; i++)
        json_object_set_new(values, f->values[i].name, json_value(&f->values[i]));
    return values;
}

static json_t *json_finding(const struct diagnosis *f)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "name", f->name, "severity", severity_name(f->severity), "found",
                     f->found, "effect", f->effect, "mend", f->mend, "values", json_values(f));
}

static json_t *json_noise(const struct readings *r)
{
    char line[LINE_SIZE];
    double runs = doctor_unseen_by_runs(r), duet = doctor_unseen_by_duet(r);
    json_t *noise = json_pack("{s:s}", "line", doctor_line(r, line, sizeof line));
    if (isfinite(runs))
        json_object_set_new(noise, "unseen_by_runs", json_real(runs));
    if (isfinite(duet))
        json_object_set_new(noise, "unseen_by_duet", json_real(duet));
    return noise;
}

static int print_json(const struct readings *r, const struct diagnosis *findings)
{
    struct problem problem;
    json_t *array = json_array(), *root;
    for (size_t i = 0; i < doctor_check_count(); i++)
        json_array_append_new(array, json_finding(&findings[i]));
    root = json_pack("{s:s, s:o, s:o}", "schema", "muster.doctor/1", "findings", array, "noise", json_noise(r));
    if (!root) {
        problem_set(&problem, EXIT_UNPROVED, "the findings cannot be written as JSON");
        return problem_print(&problem);
    }
    /* A write error stays in stdout, where main() looks for it. */
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
    return EXIT_FINE;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static int parse(int argc, char **argv, uint64_t *time_ns, int *format, struct problem *problem)
{
    static const char *const formats[] = {[FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", NULL};
    const struct option_spec options[] = {
        {.name = "time",
         .letter = 't',
         .argument = "TIME",
         .help = "how long to look, in all; the shorter, the less it sees of what comes and goes",
         .preset = "8s",
         .parse = options_duration,
         .target = time_ns,
         .min = DOCTOR_TIME_LEAST,
         .max = DOCTOR_TIME_MOST},
        {.name = "format",
         .argument = "FORMAT",
         .help = "table or json",
         .preset = "table",
         .parse = options_choice,
         .target = format,
         .choices = formats},
        {.name = NULL},
    };
    const struct command_spec spec = {
        .name = "doctor",
        .summary = "Looks for what spoils measurements on this machine: what it found, what that does to which cells, "
                   "and the command that would mend it. It changes nothing. Each finding is fine, unknown, beware or "
                   "spoils, the worst first; the last line says what differences cannot be seen here.",
        .options = options,
    };
    return options_parse(&spec, argc, argv, problem);
}

static int examine(uint64_t time_ns, int format, struct problem *problem)
{
    struct results about = {.seed = 0};
    struct topology *topology = NULL;
    struct readings *readings = calloc(1, sizeof *readings);
    struct diagnosis *findings = calloc(doctor_check_count(), sizeof *findings);
    int code = -1;
    if (!readings || !findings)
        problem_set(problem, EXIT_UNPROVED, "no memory for what is read");
    else if (topology_open_system(&topology, problem) == 0 && host_read(&about.host, topology, problem) == 0 &&
             doctor_read(readings, &about.host, topology, time_ns, problem) == 0) {
        code = EXIT_FINE;
        doctor_judge(readings, findings);
        if (format == FORMAT_JSON)
            code = print_json(readings, findings);
        else
            print_table(readings, findings);
    }
    topology_close(topology);
    results_free(&about);
    free(readings);
    free(findings);
    return code;
}

int command_doctor(int argc, char **argv)
{
    uint64_t time_ns = DOCTOR_TIME_USUAL;
    int format = FORMAT_TABLE;
    struct problem problem;
    gsl_set_error_handler_off();
    int first = parse(argc, argv, &time_ns, &format, &problem);
    if (first == 0)
        return EXIT_FINE;
    int code = first < 0 ? -1 : examine(time_ns, format, &problem);
    return code < 0 ? problem_print(&problem) : code;
}
