/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * topology.c - loading a topology and flattening it.
 *
 * Two habits of hwloc's objects rule the flattening: objects without a usable processing unit exist (a package whose
 * memory alone is allowed) and must not be counted, and NUMA nodes are not ancestors of anything, so a unit's locality
 * is found by comparing sets. The tree is never restricted; a bitmap of usable units is kept beside it instead, so that
 * what is exported with the results is the whole machine. */
#include "harness/topology.h"

#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct topology {
    hwloc_topology_t hwloc;
    hwloc_bitmap_t usable;
    struct machine machine;
};

enum { XML_MAX = 64 << 20 };

static void environment_remove(char **environment, const char *prefix)
{
    for (char **entry = environment; *entry != NULL;) {
        char name[128];
        size_t length = strcspn(*entry, "=");

        if (strncmp(*entry, prefix, strlen(prefix)) != 0 || length >= sizeof name) {
            entry++;
            continue;
        }
        memcpy(name, *entry, length);
        name[length] = '\0';
        /* What is removed closes the gap: the next one now stands here. */
        if (unsetenv(name) != 0)
            entry++;
    }
}

void topology_clean_environment(bool plugins)
{
    if (environ != NULL)
        environment_remove(environ, "HWLOC_");
    /* hwloc's own complaints are paragraphs on stderr; what matters of them comes back as a return value. */
    setenv("HWLOC_HIDE_ERRORS", "2", 1);
    /* A path that is no folder: no plugin is found. They would map X11, OpenCL and a C++ runtime into each trial. */
    if (!plugins)
        setenv("HWLOC_PLUGINS_PATH", "/dev/null", 1);
}

/* A number for each thing met, in the order of meeting. Things come in runs, so the search goes backwards. */
struct numbering {
    const void **met;
    int count;
};

static int number_of(struct numbering *numbering, const void *thing)
{
    if (thing == NULL)
        return -1;
    for (int i = numbering->count - 1; i >= 0; i--)
        if (numbering->met[i] == thing)
            return i;
    numbering->met[numbering->count] = thing;
    return numbering->count++;
}

/* The nearest group around the unit that is smaller than its L3 or package, and not the core itself or a NUMA node's.
 */
static hwloc_obj_t cluster_of(hwloc_obj_t pu)
{
    for (hwloc_obj_t at = pu->parent; at != NULL; at = at->parent) {
        if (at->type == HWLOC_OBJ_L3CACHE || at->type == HWLOC_OBJ_PACKAGE)
            return NULL;
        if (at->type == HWLOC_OBJ_GROUP)
            return at->memory_arity == 0 ? at : NULL;
    }
    return NULL;
}

/* The smallest set of units with a memory of their own that this one is in: the first NUMA node that has that set
 * stands for it. Two nodes with one set (DDR and HBM) are one locality. */
static hwloc_obj_t locality_of(const struct topology *topology, hwloc_obj_t pu)
{
    hwloc_obj_t node = NULL, best = NULL;
    int least = 0;

    while ((node = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_NUMANODE, node)) != NULL) {
        int weight;

        if (!hwloc_bitmap_isset(node->cpuset, pu->os_index))
            continue;
        weight = hwloc_bitmap_weight(node->cpuset);
        if (best == NULL || weight < least) {
            best = node;
            least = weight;
        }
    }
    return best;
}

static int kind_of(const struct topology *topology, hwloc_obj_t pu)
{
    return hwloc_cpukinds_get_by_cpuset(topology->hwloc, pu->cpuset, 0);
}

static hwloc_obj_t level_object(const struct topology *topology, hwloc_obj_t pu, enum level level)
{
    static const hwloc_obj_type_t types[LEVELS] = {
        [LEVEL_CORE] = HWLOC_OBJ_CORE,
        [LEVEL_L2] = HWLOC_OBJ_L2CACHE,
        [LEVEL_L3] = HWLOC_OBJ_L3CACHE,
        [LEVEL_PACKAGE] = HWLOC_OBJ_PACKAGE,
    };

    if (level == LEVEL_CLUSTER)
        return cluster_of(pu);
    if (level == LEVEL_NUMA)
        return locality_of(topology, pu);
    return hwloc_get_ancestor_obj_by_type(topology->hwloc, types[level], pu);
}

static int topology_flatten(struct topology *topology, struct problem *problem)
{
    struct machine *machine = &topology->machine;
    int usable = hwloc_bitmap_weight(topology->usable);
    struct numbering numberings[LEVELS] = {{NULL, 0}};
    const void **met = NULL;
    hwloc_obj_t pu = NULL;

    if (usable <= 0)
        return problem_set(problem, EXIT_BAD_FILE, "the topology has no processing unit that may be used");
    machine->units = calloc((size_t)usable, sizeof *machine->units);
    met = calloc((size_t)usable * LEVELS, sizeof *met);
    if (machine->units == NULL || met == NULL) {
        free(met);
        return problem_set(problem, EXIT_UNPROVED, "out of memory for a topology of %d processing units", usable);
    }
    for (enum level level = 0; level < LEVELS; level++)
        numberings[level].met = met + (size_t)usable * level;
    while ((pu = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_PU, pu)) != NULL) {
        struct unit *unit;

        if (!hwloc_bitmap_isset(topology->usable, pu->os_index))
            continue;
        unit = &machine->units[machine->count++];
        unit->pu = pu->os_index;
        unit->kind = kind_of(topology, pu);
        for (enum level level = 0; level < LEVELS; level++)
            unit->id[level] = number_of(&numberings[level], level_object(topology, pu, level));
    }
    free(met);
    machine->this_system = hwloc_topology_is_thissystem(topology->hwloc);
    placement_count(machine);
    return 0;
}

/* usable = allowed, and on this system also in the affinity mask of this process. */
static int topology_find_usable(struct topology *topology, struct problem *problem)
{
    hwloc_bitmap_t bound;

    topology->usable = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology->hwloc));
    if (topology->usable == NULL)
        return problem_set(problem, EXIT_UNPROVED, "out of memory for the topology");
    if (!hwloc_topology_is_thissystem(topology->hwloc))
        return 0;
    bound = hwloc_bitmap_alloc();
    if (bound == NULL)
        return problem_set(problem, EXIT_UNPROVED, "out of memory for the topology");
    if (hwloc_get_cpubind(topology->hwloc, bound, HWLOC_CPUBIND_PROCESS) == 0)
        hwloc_bitmap_and(topology->usable, topology->usable, bound);
    hwloc_bitmap_free(bound);
    return 0;
}

/* Says where the machine comes from; 0, or -1 when hwloc does not take it. */
struct source {
    const char *synthetic;
    const char *xml;
    size_t xml_size; /* with the closing NUL */
};

static int topology_configure(hwloc_topology_t hwloc, const struct source *source)
{
    unsigned long flags = HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING;

    if (source->xml != NULL && hwloc_topology_set_xmlbuffer(hwloc, source->xml, (int)source->xml_size) != 0)
        return -1;
    if (source->synthetic != NULL && hwloc_topology_set_synthetic(hwloc, source->synthetic) != 0)
        return -1;
    if (source->xml == NULL && source->synthetic == NULL)
        flags |= HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM;
    return hwloc_topology_set_flags(hwloc, flags) != 0 || hwloc_topology_load(hwloc) != 0 ? -1 : 0;
}

/* `refused` is what to say when hwloc does not take the source. */
static int topology_open(struct topology **opened, const struct source *source, const struct problem *refused,
                         struct problem *problem)
{
    struct topology *topology = calloc(1, sizeof *topology);

    *opened = NULL;
    if (topology == NULL)
        return problem_set(problem, EXIT_UNPROVED, "out of memory for the topology");
    topology_clean_environment(source->xml != NULL);
    if (hwloc_topology_init(&topology->hwloc) != 0) {
        problem_set(problem, EXIT_UNPROVED, "hwloc cannot start: %s", strerror(errno));
        goto free_topology;
    }
    if (topology_configure(topology->hwloc, source) != 0) {
        *problem = *refused;
        goto destroy;
    }
    if (topology_find_usable(topology, problem) != 0 || topology_flatten(topology, problem) != 0)
        goto destroy;
    *opened = topology;
    return 0;
destroy:
    hwloc_bitmap_free(topology->usable);
    free(topology->machine.units);
    hwloc_topology_destroy(topology->hwloc);
free_topology:
    free(topology);
    return -1;
}

int topology_open_system(struct topology **topology, struct problem *problem)
{
    struct problem refused;

    problem_set(&refused, EXIT_UNPROVED, "hwloc cannot read this system's topology");
    return topology_open(topology, &(struct source){.xml = NULL}, &refused, problem);
}

int topology_open_synthetic(struct topology **topology, const char *description, struct problem *problem)
{
    struct problem refused;

    problem_set(&refused, EXIT_USAGE, "'%s' is not a synthetic topology", description);
    return topology_open(topology, &(struct source){.synthetic = description}, &refused, problem);
}

/* The whole file and a NUL; NULL with errno set, EFBIG when it is longer than any topology. */
static char *file_read(FILE *file, size_t *size)
{
    size_t room = 1 << 16, used = 0;
    char *text = malloc(room);

    while (text != NULL) {
        char *larger;

        used += fread(text + used, 1, room - used - 1, file);
        if (used < room - 1)
            break;
        if (room >= XML_MAX) {
            errno = EFBIG;
            goto free_text;
        }
        room *= 2;
        larger = realloc(text, room);
        if (larger == NULL)
            goto free_text;
        text = larger;
    }
    if (text == NULL || ferror(file))
        goto free_text;
    text[used] = '\0';
    *size = used + 1;
    return text;
free_text:
    free(text);
    return NULL;
}

int topology_open_xml(struct topology **topology, const char *path, struct problem *problem)
{
    bool standard = strcmp(path, "-") == 0;
    struct problem refused;
    struct source source = {.xml = NULL};
    FILE *file = standard ? stdin : fopen(path, "re");
    char *xml = NULL;
    int result = -1;

    *topology = NULL;
    if (file != NULL)
        xml = file_read(file, &source.xml_size);
    if (xml == NULL)
        problem_set(problem, EXIT_NO_INPUT, "cannot read '%s': %s", path, strerror(errno));
    if (file != NULL && !standard)
        fclose(file);
    if (xml == NULL)
        return -1;
    problem_set(&refused, EXIT_BAD_FILE,
                "'%s' is not a topology that hwloc can read (XML 2.x, as lstopo --of xml writes)", path);
    source.xml = xml;
    result = topology_open(topology, &source, &refused, problem);
    free(xml);
    if (result == 0 && topology_machine(*topology)->this_system) {
        topology_close(*topology);
        *topology = NULL;
        *problem = refused;
        result = -1;
    }
    return result;
}

void topology_close(struct topology *topology)
{
    if (topology == NULL)
        return;
    hwloc_bitmap_free(topology->usable);
    free(topology->machine.units);
    hwloc_topology_destroy(topology->hwloc);
    free(topology);
}

const struct machine *topology_machine(const struct topology *topology)
{
    return &topology->machine;
}

/* Whether an <info name="..."> of hwloc's may leave this machine. What is not known to be harmless may not. */
static bool info_is_harmless(const char *name)
{
    static const char *const harmless[] = {
        "Architecture",    "Backend",     "CPUFamilyNumber", "CPUModel",     "CPUModelNumber",
        "CPURevision",     "CPUStepping", "CPUVendor",       "CoreType",     "FrequencyBaseMHz",
        "FrequencyMaxMHz", "Inclusive",   "LinuxCapacity",   "MemoryMode",   "ClusterMode",
        "OSName",          "OSRelease",   "PlatformModel",   "PlatformName", "SyntheticDescription",
        "hwlocVersion",    NULL,
    };

    for (const char *const *known = harmless; *known != NULL; known++)
        if (strncmp(name, *known, strlen(*known)) == 0 && name[strlen(*known)] == '"')
            return true;
    return false;
}

/* hwloc writes one element per line and escapes quotes and angle brackets in values, so lines can be taken out. */
static char *xml_scrub(const char *xml)
{
    static const char info[] = "<info name=\"";
    char *clean = malloc(strlen(xml) + 1), *to = clean;

    for (const char *line = xml, *end; clean != NULL && *line != '\0'; line = end) {
        const char *element = line + strspn(line, " ");

        end = line + strcspn(line, "\n");
        end += *end == '\n';
        if (strncmp(element, info, sizeof info - 1) == 0 && !info_is_harmless(element + sizeof info - 1))
            continue;
        memcpy(to, line, (size_t)(end - line));
        to += end - line;
    }
    if (clean != NULL)
        *to = '\0';
    return clean;
}

char *topology_export(const struct topology *topology)
{
    char *xml = NULL, *clean;
    int length = 0;

    if (hwloc_topology_export_xmlbuffer(topology->hwloc, &xml, &length, 0) != 0)
        return NULL;
    clean = xml_scrub(xml);
    hwloc_free_xmlbuffer(topology->hwloc, xml);
    return clean;
}
