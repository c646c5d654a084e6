/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_topology.c - loading a topology, from this system and from files good and bad; what leaves this machine with the
 * results; binding; and `muster topology` as a whole.
 *
 * The environment's traps are set on purpose: with HWLOC_XMLFILE and its like hwloc would load another machine than the
 * one that was asked for, without an error. */
#include "harness/binder.h"
#include "harness/commands.h"
#include "harness/topology.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *write_file(const char *name, const char *text, size_t length)
{
    static char path[4200];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", frame_folder(), name);
    file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(text, 1, length, file), length);
    fclose(file);
    return path;
}

/* The XML of a made-up machine; freed by the caller. */
static char *synthetic_xml(const char *description)
{
    struct topology *topology = NULL;
    struct problem problem;
    char *xml;

    CU_ASSERT_EQUAL(topology_open_synthetic(&topology, description, &problem), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(topology);
    xml = topology_export(topology);
    CU_ASSERT_PTR_NOT_NULL_FATAL(xml);
    topology_close(topology);
    return xml;
}

static unsigned affinity_count(void)
{
    cpu_set_t set;

    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof set, &set), 0);
    return (unsigned)CPU_COUNT(&set);
}

static void this_system(void)
{
    struct topology *topology = NULL;
    struct problem problem;
    const struct machine *machine;

    setenv("HWLOC_SYNTHETIC", "pack:4 core:8 pu:2", 1);
    setenv("HWLOC_XMLFILE", "no-such-file.xml", 1);
    setenv("HWLOC_COMPONENTS", "synthetic", 1);
    CU_ASSERT_EQUAL(topology_open_system(&topology, &problem), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(topology);
    CU_ASSERT_PTR_NULL(getenv("HWLOC_XMLFILE"));
    machine = topology_machine(topology);
    CU_ASSERT_TRUE(machine->this_system);
    CU_ASSERT_EQUAL(machine->count, affinity_count());
    CU_ASSERT(machine->cores >= 1 && machine->cores <= machine->count);
    topology_close(topology);
}

/* As under taskset: the other units are there, but may not be used. */
static void affinity_counts(void)
{
    struct topology *topology = NULL;
    struct problem problem;
    cpu_set_t set;
    unsigned cpu = (unsigned)sched_getcpu();

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    CU_ASSERT_EQUAL_FATAL(sched_setaffinity(0, sizeof set, &set), 0);
    CU_ASSERT_EQUAL(topology_open_system(&topology, &problem), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(topology);
    CU_ASSERT_EQUAL(topology_machine(topology)->count, 1);
    CU_ASSERT_EQUAL(topology_machine(topology)->units[0].pu, cpu);
    topology_close(topology);
}

static void other_machine(void)
{
    char *xml = synthetic_xml("pack:2 l3:2 core:2 pu:2");
    const char *path = write_file("machine.xml", xml, strlen(xml));
    struct topology *topology = NULL;
    struct problem problem;

    setenv("HWLOC_COMPONENTS", "linux", 1);
    setenv("HWLOC_THISSYSTEM", "1", 1);
    setenv("HWLOC_THISSYSTEM_ALLOWED_RESOURCES", "1", 1);
    CU_ASSERT_EQUAL(topology_open_xml(&topology, path, &problem), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(topology);
    CU_ASSERT_FALSE(topology_machine(topology)->this_system);
    CU_ASSERT_EQUAL(topology_machine(topology)->count, 16);
    CU_ASSERT_EQUAL(topology_machine(topology)->groups[LEVEL_L3], 4);
    topology_close(topology);
    free(xml);
}

static void expect_no_machine(const char *path, int code, const char *text)
{
    struct topology *topology = NULL;
    struct problem problem = {.code = 0};

    CU_ASSERT_EQUAL(topology_open_xml(&topology, path, &problem), -1);
    CU_ASSERT_PTR_NULL(topology);
    CU_ASSERT_EQUAL(problem.code, code);
    CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, text));
    CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, path));
}

static void bad_files(void)
{
    char *xml = synthetic_xml("pack:2 core:2 pu:2");

    expect_no_machine("no-such-file.xml", EXIT_NO_INPUT, "No such file");
    expect_no_machine(frame_folder(), EXIT_NO_INPUT, "directory");
    expect_no_machine(write_file("empty.xml", "", 0), EXIT_BAD_FILE, "not a topology");
    expect_no_machine(write_file("text.xml", "hello\n", 6), EXIT_BAD_FILE, "not a topology");
    expect_no_machine(write_file("other.xml", "<html/>\n", 8), EXIT_BAD_FILE, "not a topology");
    expect_no_machine(write_file("cut.xml", xml, strlen(xml) / 2), EXIT_BAD_FILE, "not a topology");
    free(xml);
}

/* Puts elements that name this machine behind the first object's line, as hwloc does. */
static void export_is_clean(void)
{
    static const char secrets[] = "    <info name=\"HostName\" value=\"secret\"/>\n"
                                  "    <info name=\"LinuxCgroup\" value=\"/secret\"/>\n"
                                  "    <info name=\"DMIProductSerial\" value=\"secret\"/>\n"
                                  "    <info name=\"ProcessName\" value=\"secret\"/>\n"
                                  "    <info name=\"InventedLater\" value=\"secret\"/>\n"
                                  "    <info name=\"CPUModel\" value=\"Example\"/>\n";
    char *xml = synthetic_xml("pack:2 core:2 pu:2"), *clean, *named;
    char *behind = strchr(strstr(xml, "<object "), '\n') + 1;
    struct topology *topology = NULL;
    struct problem problem;

    CU_ASSERT(asprintf(&named, "%.*s%s%s", (int)(behind - xml), xml, secrets, behind) > 0);
    CU_ASSERT_EQUAL(topology_open_xml(&topology, write_file("named.xml", named, strlen(named)), &problem), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(topology);
    clean = topology_export(topology);
    topology_close(topology);
    CU_ASSERT_PTR_NOT_NULL_FATAL(clean);
    CU_ASSERT_PTR_NULL(strstr(clean, "secret"));
    CU_ASSERT_PTR_NOT_NULL(strstr(clean, "value=\"Example\""));
    CU_ASSERT_EQUAL(topology_open_xml(&topology, write_file("clean.xml", clean, strlen(clean)), &problem), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(topology);
    CU_ASSERT_EQUAL(topology_machine(topology)->count, 8);
    topology_close(topology);
    free(clean);
    free(named);
    free(xml);
}

static void binds_to_each_unit(void)
{
    struct topology *topology = NULL;
    struct binder *binder = NULL;
    struct problem problem;
    int status = -1;
    pid_t child;

    CU_ASSERT_EQUAL(topology_open_system(&topology, &problem), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(topology);
    CU_ASSERT_EQUAL(binder_open(&binder, &problem), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(binder);
    child = fork();
    if (child == 0) {
        const struct machine *machine = topology_machine(topology);
        bool good = true;

        for (unsigned i = 0; i < machine->count; i++)
            good &= binder_bind(binder, machine->units[i].pu) == (int)machine->units[i].pu && affinity_count() == 1;
        _exit(good ? 0 : 1);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL(affinity_count(), topology_machine(topology)->count);
    binder_close(binder);
    topology_close(topology);
}

static void binds_to_nothing_else(void)
{
    struct binder *binder = NULL;
    struct problem problem;

    CU_ASSERT_EQUAL(binder_open(&binder, &problem), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(binder);
    errno = 0;
    CU_ASSERT_EQUAL(binder_bind(binder, 65000), -1);
    CU_ASSERT_NOT_EQUAL(errno, 0);
    binder_close(binder);
}

/* Runs `muster topology` with these arguments; what it prints is left in `text`. */
static int command_output(char *text, size_t size, char **argv)
{
    char path[4200];
    int argc = 0, code, saved = dup(STDOUT_FILENO);
    size_t length;
    FILE *file;

    snprintf(path, sizeof path, "%s/output", frame_folder());
    file = fopen(path, "w+");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    while (argv[argc] != NULL)
        argc++;
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    code = command_topology(argc, argv);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(file);
    length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
    return code;
}

static void command_json(void)
{
    char *xml = synthetic_xml("pack:2 core:2 pu:2"), input[4200], text[8192];
    char *argv[] = {"topology", "--input", input, "-p", "scatter", "-n", "2", "--format", "json", NULL};
    const char *placement, *class;
    int oversubscribed, worker, pu, core, package, pairs, first, second;
    json_t *root;

    snprintf(input, sizeof input, "%s", write_file("machine.xml", xml, strlen(xml)));
    CU_ASSERT_EQUAL(command_output(text, sizeof text, argv), EXIT_FINE);
    root = json_loads(text, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    CU_ASSERT_EQUAL(json_unpack(root, "{s:s, s:b, s:[{}, {s:i, s:i, s:i, s:i}], s:[{s:s, s:i, s:[i,i]}]}", "placement",
                                &placement, "oversubscribed", &oversubscribed, "workers", "worker", &worker, "pu", &pu,
                                "core", &core, "package", &package, "distances", "class", &class, "pairs", &pairs,
                                "example", &first, &second),
                    0);
    CU_ASSERT_STRING_EQUAL(placement, "scatter");
    CU_ASSERT_FALSE(oversubscribed);
    CU_ASSERT(worker == 1 && pu == 4 && core == 2 && package == 1);
    CU_ASSERT_STRING_EQUAL(class, "smt");
    CU_ASSERT(pairs == 4 && first == 0 && second == 1);
    CU_ASSERT_PTR_NULL(json_object_get(json_array_get(json_object_get(root, "workers"), 1), "l3"));
    json_decref(root);
    free(xml);
}

static void command_table(void)
{
    char *xml = synthetic_xml("pack:16 numa:2 l3:2 l2:2 core:2 pu:2"), input[4200], text[65536], *rest = NULL;
    char *argv[] = {"topology", "--input", input, "-p", "compact", "-n", "256", NULL};

    snprintf(input, sizeof input, "%s", write_file("machine.xml", xml, strlen(xml)));
    CU_ASSERT_EQUAL(command_output(text, sizeof text, argv), EXIT_FINE);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "placement compact \u00b7 256 workers on 512 places\n"));
    strtok_r(text, "\n", &rest); /* the path of the file may be longer than a terminal is wide */
    for (char *line = strtok_r(NULL, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        CU_ASSERT(strlen(line) <= 80);
    free(xml);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "topology: this system, whatever the environment says", .run = this_system},
        {.name = "topology: only what the affinity mask leaves counts", .run = affinity_counts},
        {.name = "topology: another machine's file is never taken for this system", .run = other_machine},
        {.name = "topology: files that are missing, empty, foreign or cut", .run = bad_files},
        {.name = "topology: what is exported names nobody", .run = export_is_clean},
        {.name = "binder: binds to each unit and reads it back", .run = binds_to_each_unit},
        {.name = "binder: a unit that is not there is an error", .run = binds_to_nothing_else},
        {.name = "muster topology: JSON", .run = command_json},
        {.name = "muster topology: a table of 80 columns", .run = command_table},
        {.name = NULL},
    };

    return frame_main(argc, argv, tests);
}
