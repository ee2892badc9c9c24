/* A stand-in for NVIDIA's library: two GPUs that do as the files in the folder $FAKE_NVML say.
 *   lost  GPU 1 has fallen off the bus        hang  no call about a GPU comes back while it is there
 *   xid   its number is told as an error of GPU 0, and the file is removed
 * Types and numbers are those of NVIDIA's public documentation of NVML. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OK = 0, NOT_SUPPORTED = 3, TIMEOUT = 10, LOST = 15 };

typedef struct { int index; } Device;
static Device devices[2] = {{0}, {1}};

static char *path(const char *name) {
    static _Thread_local char text[4096];
    snprintf(text, sizeof text, "%s/%s", getenv("FAKE_NVML"), name);
    return text;
}

static int is_told(const char *name) { return access(path(name), F_OK) == 0; }

/* What every call about a GPU begins with. */
static int asked(Device *device) {
    while (is_told("hang")) usleep(10000);
    return device->index == 1 && is_told("lost") ? LOST : OK;
}

#define ASKED(device) do { int answer = asked(device); if (answer != OK) return answer; } while (0)

int nvmlInit_v2(void) { return getenv("FAKE_NVML") ? OK : 9; }
int nvmlShutdown(void) { return OK; }
int nvmlSystemGetDriverVersion(char *text, unsigned length) { snprintf(text, length, "580.1"); return OK; }
int nvmlSystemGetProcessName(unsigned process, char *text, unsigned length) {
    snprintf(text, length, "server-%u", process);
    return OK;
}
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return OK; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **device) {
    *device = &devices[index];
    return asked(*device);
}
int nvmlDeviceGetUUID(Device *device, char *text, unsigned length) {
    snprintf(text, length, "GPU-%d", device->index);
    return OK;
}
int nvmlDeviceGetName(Device *device, char *text, unsigned length) {
    (void)device;
    snprintf(text, length, "NVIDIA H100 80GB HBM3");
    return OK;
}
typedef struct {
    char legacy[16];
    unsigned domain, bus, device, id, subsystem;
    char bus_id[32];
} Pci;
int nvmlDeviceGetPciInfo_v3(Device *device, Pci *pci) {
    memset(pci, 0, sizeof *pci);
    snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:%02X:00.0", 0x1b + device->index);
    return OK;
}
int nvmlDeviceGetTemperature(Device *device, int sensor, unsigned *celsius) {
    (void)sensor;
    ASKED(device);
    *celsius = 50 + device->index;
    return OK;
}
int nvmlDeviceGetPowerUsage(Device *device, unsigned *milliwatts) {
    ASKED(device);
    *milliwatts = 412345;
    return OK;
}
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory;
int nvmlDeviceGetMemoryInfo_v2(Device *device, Memory *memory) {
    ASKED(device);
    memory->total = 81920ULL << 20, memory->reserved = 512ULL << 20;
    memory->used = 70000ULL << 20, memory->free = 11408ULL << 20;
    return OK;
}
typedef struct { unsigned gpu, memory; } Utilization;
int nvmlDeviceGetUtilizationRates(Device *device, Utilization *rates) {
    ASKED(device);
    rates->gpu = 97, rates->memory = 41;
    return OK;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(Device *device, unsigned long long *reasons) {
    ASKED(device);
    *reasons = device->index == 0 ? 0x4 : 0;
    return OK;
}
typedef struct { unsigned long long reference, violation; } Violation;
int nvmlDeviceGetViolationStatus(Device *device, int policy, Violation *time) {
    ASKED(device);
    if (policy != 0) return NOT_SUPPORTED;
    time->reference = 1, time->violation = 2500000;
    return OK;
}
typedef struct {
    unsigned field, scope;
    long long timestamp, latency;
    int type, answer;
    unsigned long long value;
} Field;
int nvmlDeviceGetFieldValues(Device *device, int count, Field *fields) {
    ASKED(device);
    for (int place = 0; place < count; place++) {
        fields[place].answer = fields[place].field == 82 ? OK : NOT_SUPPORTED;
        fields[place].type = 1; /* an unsigned integer */
        fields[place].value = 71;
    }
    return OK;
}
typedef struct { unsigned id; unsigned long long memory; unsigned instance, compute; } Process;
int nvmlDeviceGetComputeRunningProcesses_v3(Device *device, unsigned *count, Process *processes) {
    ASKED(device);
    unsigned there = device->index == 0;
    if (processes && there) processes[0] = (Process){42, 69000ULL << 20, ~0u, ~0u};
    int answer = processes || !there ? OK : 7;
    *count = there;
    return answer;
}

int nvmlEventSetCreate(void **set) { *set = devices; return OK; }
int nvmlEventSetFree(void *set) { (void)set; return OK; }
int nvmlDeviceGetSupportedEventTypes(Device *device, unsigned long long *types) {
    ASKED(device);
    *types = 8;
    return OK;
}
int nvmlDeviceRegisterEvents(Device *device, unsigned long long types, void *set) {
    (void)types, (void)set;
    return asked(device);
}
typedef struct { Device *device; unsigned long long type, data; unsigned instance, compute; } Event;
int nvmlEventSetWait_v2(void *set, Event *event, unsigned milliseconds) {
    (void)set;
    FILE *file = fopen(path("xid"), "r");
    unsigned long long code;
    if (file && fscanf(file, "%llu", &code) == 1) {
        fclose(file);
        unlink(path("xid"));
        *event = (Event){&devices[0], 8, code, ~0u, ~0u};
        return OK;
    }
    if (file) fclose(file);
    usleep(milliseconds < 20 ? milliseconds * 1000 : 20000);
    return TIMEOUT;
}

typedef struct { unsigned version, is_supported; } Support;
int nvmlGpmQueryDeviceSupport(Device *device, Support *support) {
    ASKED(device);
    support->is_supported = device->index == 0;
    return OK;
}
int nvmlGpmSampleAlloc(int **sample) { *sample = calloc(1, sizeof(int)); return OK; }
int nvmlGpmSampleFree(int *sample) { free(sample); return OK; }
int nvmlGpmSampleGet(Device *device, int *sample) { *sample = device->index; return OK; }
typedef struct { unsigned id; int answer; double value; char *names[3]; } Metric;
typedef struct { unsigned version, count; int *before, *now; Metric metrics[210]; } Metrics;
int nvmlGpmMetricsGet(Metrics *asked) {
    if (asked->before == asked->now) return 2;
    for (unsigned place = 0; place < asked->count; place++) {
        Metric *metric = &asked->metrics[place];
        metric->answer = metric->id == 10 ? NOT_SUPPORTED : OK;
        /* A tenth of the percents that its number is. */
        metric->value = metric->id * 10;
    }
    return OK;
}
