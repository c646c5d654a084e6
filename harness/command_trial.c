/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_trial.c - `muster trial`: one trial, spoken to in JSON lines (protocol.h) over stdin and stdout.
 *
 * For the driver, not for people; `muster trial --help` says the protocol. The process is the parent of its workers: it
 * binds itself, prepares, measures as often as it is asked to, and leaves when told or at the end of the file. */
#include "harness/clock.h"
#include "harness/commands.h"
#include "harness/handicap.h"
#include "harness/metadata.h"
#include "harness/options.h"
#include "harness/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define GRACE_NS (5 * NS_PER_S) /* for the workers to leave */

struct conversation {
    FILE *out; /* the driver; stdout itself is turned to stderr, so that nothing else gets between the lines */
    struct binder *binder;
    struct request request;
    struct session *session;
};

static int say(struct conversation *c, json_t *reply)
{
    int bad = !reply || json_dumpf(reply, c->out, JSON_COMPACT) || fputc('\n', c->out) == EOF || fflush(c->out);
    json_decref(reply);
    return bad ? -1 : 0;
}

static int fail(struct conversation *c, const char *reason)
{
    trial_close(c->session, 0, NULL);
    c->session = NULL;
    return say(c, protocol_reason("failed", reason));
}

/* The parent serves, or is itself the one worker of a strategy without others. */
static int bind_self(struct conversation *c, struct error *error)
{
    const struct request *r = &c->request;
    int pu = r->strategy->role == ROLE_CONTROL_ONLY && r->pus ? (int)r->pus[0] : r->service_pu;
    if (pu < 0 || binder_bind(c->binder, (unsigned)pu) >= 0)
        return 0;
    return error_system(error, "the trial could not be bound to processing unit %d", pu);
}

static int do_prepare(struct conversation *c, const json_t *json)
{
    char reason[300];
    unsigned deadline_s = 0;
    struct error error = {.code = ERROR_NONE};
    if (c->session)
        return fail(c, "a trial is prepared once");
    request_free(&c->request);
    int known = protocol_read_prepare(json, &c->request, &deadline_s, reason, sizeof reason);
    if (known <= 0)
        return say(c, protocol_reason(known == 0 ? "n/a" : "failed", reason));
    alarm(deadline_s);
    if (bind_self(c, &error) || trial_settle(&c->request, c->binder, &error) ||
        trial_open(&c->session, &c->request, c->binder, &error))
        return fail(c, error.text);
    const struct parameters *p = &c->request.parameters;
    json_t *build = json_pack("{s:s, s:s}", "version", metadata_version(), "commit", metadata_commit());
    json_t *handicap = handicap_get() != 0 ? json_real(handicap_get()) : NULL;
    return say(c, json_pack("{s:s, s:I, s:I, s:i, s:o, s:o*}", "reply", "ready", "items", (json_int_t)p->items,
                            "chunk_used", (json_int_t)p->chunk, "depth", (int)trial_depth(c->session), "muster", build,
                            "handicap", handicap));
}

static int do_measure(struct conversation *c, const json_t *json)
{
    json_int_t windows = 0, window_ns = 0;
    struct series series;
    struct error error = {.code = ERROR_NONE};
    if (!c->session)
        return fail(c, "measure comes after prepare");
    if (json_unpack((json_t *)json, "{s:I, s:I}", "windows", &windows, "window_ns", &window_ns) || windows < 1 ||
        windows > 100000 || window_ns < 1)
        return fail(c, "measure wants windows and window_ns");
    if (trial_measure(c->session, (size_t)windows, window_ns, &series, &error))
        return fail(c, error.text);
    handicap_apply(&series);
    json_t *reply = protocol_measured(&series, c->request.parameters.workers);
    if (reply)
        protocol_add_lines(reply, c->session);
    int said = say(c, reply);
    series_free(&series);
    return said;
}

static json_t *process_to_json(const struct conversation *c, const char *role, uint32_t slot, int asked)
{
    const struct gate *gate = trial_gate(c->session);
    return json_pack("{s:s, s:I, s:i, s:i}", "role", role, "pid", (json_int_t)gate_pid(gate, slot), "pu", asked,
                     "ran_on", gate_ran_on(gate, slot));
}

static json_t *processes_to_json(const struct conversation *c)
{
    const struct request *r = &c->request;
    json_t *processes = json_array();
    for (unsigned i = 0; i < r->parameters.workers; i++)
        if (gate_pid(trial_gate(c->session), i) > 0)
            json_array_append_new(processes, process_to_json(c, "worker", i, r->pus ? (int)r->pus[i] : -1));
    if (gate_pid(trial_gate(c->session), SLOT_SERVICE) > 0)
        json_array_append_new(processes, process_to_json(c, "service", SLOT_SERVICE, r->service_pu));
    return processes;
}

static int do_finish(struct conversation *c)
{
    struct error error = {.code = ERROR_NONE};
    if (!c->session)
        return fail(c, "finish comes after prepare");
    json_t *reply = json_pack("{s:s, s:o}", "reply", "finished", "processes", processes_to_json(c));
    int bad = trial_close(c->session, GRACE_NS, &error);
    c->session = NULL;
    if (!bad)
        return say(c, reply);
    json_decref(reply);
    return fail(c, error.text);
}

static int obey(struct conversation *c, const char *line)
{
    json_t *json = json_loads(line, 0, NULL);
    const char *what = json_string_value(json_object_get(json, "do"));
    int result;
    if (!what)
        result = fail(c, "a line is a JSON object that says what to do");
    else if (strcmp(what, "prepare") == 0)
        result = do_prepare(c, json);
    else if (strcmp(what, "measure") == 0)
        result = do_measure(c, json);
    else if (strcmp(what, "finish") == 0)
        result = do_finish(c);
    else
        result = fail(c, "what to do is one of prepare, measure, finish");
    json_decref(json);
    return result;
}

/* A thousand workers need some thousand descriptors. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int converse(struct conversation *c)
{
    char *line = NULL;
    size_t size = 0;
    int result = 0;
    while (!result && getline(&line, &size, stdin) > 0)
        result = obey(c, line);
    free(line);
    return result;
}

static FILE *take_stdout(void)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return NULL;
    return fdopen(fd, "w");
}

int command_trial(int argc, char **argv)
{
    const struct option_spec options[] = {{.name = NULL}};
    const struct command_spec spec = {
        .name = "trial",
        .summary = "One trial of one cell, spoken to in JSON lines (" PROTOCOL "): for the driver, not for people.",
        .options = options,
        .notes = "stdin, a line each:\n"
                 "  {\"do\":\"prepare\",\"workload\":\"counter\",\"strategy\":\"serial\",...}\n"
                 "  {\"do\":\"measure\",\"windows\":8,\"window_ns\":10000000}   as often as wanted\n"
                 "  {\"do\":\"finish\"}\n"
                 "stdout: one JSON line in reply to each. The end of the file ends it.\n",
    };
    struct problem problem;
    struct conversation c = {.session = NULL};
    int first = options_parse(&spec, argc, argv, &problem);
    if (first <= 0)
        return first == 0 ? EXIT_FINE : problem_print(&problem);
    if (first < argc)
        problem_set(&problem, EXIT_USAGE, "trial takes no operand, and '%s' is one", argv[first]);
    else if (!(c.out = take_stdout()))
        problem_set(&problem, EXIT_NO_OUTPUT, "trial cannot use standard output: %s", strerror(errno));
    else if (binder_open(&c.binder, &problem) == 0)
        problem.code = EXIT_FINE;
    if (problem.code != EXIT_FINE)
        return problem_print(&problem);
    raise_descriptors();
    int lost = converse(&c);
    trial_close(c.session, GRACE_NS, NULL);
    binder_close(c.binder);
    request_free(&c.request);
    fclose(c.out);
    return lost ? EXIT_NO_OUTPUT : EXIT_FINE;
}
