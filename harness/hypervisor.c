/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * hypervisor.c - see hypervisor.h.
 *
 * On x86 the processor itself says whether there is a hypervisor, and the hypervisor has a leaf of CPUID for its
 * signature; the firmware's strings are only asked when that is not known. Elsewhere the firmware is all there is. */
#include "harness/hypervisor.h"

#include "harness/sysfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define HAVE_CPUID 1
#else
#define HAVE_CPUID 0
#endif

struct known {
    const char *sign, *name;
};

#if HAVE_CPUID
#define LEAF_FEATURES  1
#define LEAF_SIGNATURE 0x40000000u
#define BIT_HYPERVISOR (1u << 31)

static bool cpu_has_hypervisor(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(LEAF_FEATURES, &a, &b, &c, &d) && (c & BIT_HYPERVISOR) != 0;
}

static const char *cpu_signature(void)
{
    static const struct known signatures[] = {
        {"KVMKVMKVM", "KVM"},           {"Linux KVM Hv", "KVM"},       {"Microsoft Hv", "Hyper-V"},
        {"VMwareVMware", "VMware"},     {"XenVMMXenVMM", "Xen"},       {"TCGTCGTCGTCG", "QEMU"},
        {"VBoxVBoxVBox", "VirtualBox"}, {"bhyve bhyve ", "bhyve"},     {"ACRNACRNACRN", "ACRN"},
        {" lrpepyh  vr", "Parallels"},  {"prl hyperv  ", "Parallels"}, {NULL, NULL},
    };
    unsigned highest, words[3];
    char sign[sizeof words + 1] = "";
    __cpuid(LEAF_SIGNATURE, highest, words[0], words[1], words[2]);
    (void)highest;
    memcpy(sign, words, sizeof words);
    for (const struct known *known = signatures; known->sign; known++)
        if (strncmp(sign, known->sign, strlen(known->sign)) == 0)
            return known->name;
    return NULL;
}
#endif

/* What the firmware of virtual machines calls itself. Some vendors sell whole machines too, and say so. */
static const char *firmware(void)
{
    static const char *const files[] = {"sys_vendor", "product_name", "board_vendor", "bios_vendor", NULL};
    static const struct known vendors[] = {
        {"QEMU", "KVM"},
        {"KVM", "KVM"},
        {"VMware", "VMware"},
        {"innotek", "VirtualBox"},
        {"VirtualBox", "VirtualBox"},
        {"Xen", "Xen"},
        {"Virtual Machine", "Hyper-V"},
        {"Google Compute Engine", "KVM"},
        {"Amazon EC2", "KVM"},
        {"Apple Virtualization", "Apple"},
        {"Parallels", "Parallels"},
        {"OpenStack", "KVM"},
        {"BHYVE", "bhyve"},
        {NULL, NULL},
    };
    char line[256];
    if (sysfs_line(line, sizeof line, "/sys/class/dmi/id/product_name") && strstr(line, ".metal"))
        return NULL;
    for (const char *const *file = files; *file; file++) {
        if (!sysfs_line(line, sizeof line, "/sys/class/dmi/id/%s", *file))
            continue;
        for (const struct known *known = vendors; known->sign; known++)
            if (strncasecmp(line, known->sign, strlen(known->sign)) == 0)
                return known->name;
    }
    return NULL;
}

static const char *device_tree(void)
{
    char line[256];
    if (!sysfs_line(line, sizeof line, "/proc/device-tree/hypervisor/compatible"))
        return access("/proc/device-tree/hypervisor", F_OK) == 0 ? "unknown" : NULL;
    return strstr(line, "kvm") ? "KVM" : strstr(line, "xen") ? "Xen" : "unknown";
}

const char *hypervisor_name(void)
{
    char line[64];
    const char *name = NULL;
#if HAVE_CPUID
    if (!cpu_has_hypervisor())
        return NULL;
    name = cpu_signature();
#endif
    if (!name && sysfs_line(line, sizeof line, "/sys/hypervisor/type") && strcmp(line, "xen") == 0)
        name = "Xen";
    if (!name)
        name = firmware();
    if (!name)
        name = device_tree();
    return name || !HAVE_CPUID ? name : "unknown";
}
