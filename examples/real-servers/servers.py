"""Real servers of language models as processes that can be hurt: llama.cpp's and vLLM's."""

import http.client
import os
import signal
import socket
import subprocess
import time

# Longest that a server may take to come up, in seconds.
PATIENCE = {"llama-cpp": 60, "vllm": 400}
# Processors that the server may have while nothing is wrong.
USUAL_CPUS = 2.0


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Group:
    """A control group of the kernel, as containers are; without the right to make one, nothing is limited."""

    def __init__(self, name):
        name, root = f"auscult-{name}-{os.getpid()}", "/sys/fs/cgroup"
        # The first version limits processors in a tree of its own; pressure is of the second one only.
        self.is_old = os.path.exists(f"{root}/cpu")
        new = f"{root}/unified" if self.is_old else root
        self.limits = f"{root}/cpu/{name}" if self.is_old else f"{new}/{name}"
        self.pressure = f"{new}/{name}"
        self.folders = list(dict.fromkeys([self.limits, self.pressure]))
        try:
            for folder in self.folders:
                os.mkdir(folder)
            self.limit(USUAL_CPUS)
            self.is_there = True
        except OSError:
            self.is_there = False

    def limit(self, cpus):
        """Processor seconds a second that all processes of the group may use together."""
        quota, period = round(cpus * 100_000), 100_000
        if self.is_old:
            write(f"{self.limits}/cpu.cfs_period_us", period)
            write(f"{self.limits}/cpu.cfs_quota_us", quota)
        else:
            write(f"{self.limits}/cpu.max", f"{quota} {period}")

    def take(self, process):
        for folder in self.folders if self.is_there else ():
            write(f"{folder}/cgroup.procs", process)

    def series(self):
        """What the kernel counts, as cAdvisor names it."""
        if not self.is_there:
            return
        with open(f"{self.limits}/cpu.stat") as file:
            told = dict(line.split() for line in file)
        held = int(told["throttled_time"]) / 1e9 if self.is_old else int(told["throttled_usec"]) / 1e6
        yield "container_cpu_cfs_throttled_seconds_total", {}, f"{held:.6f}"
        yield "container_cpu_cfs_throttled_periods_total", {}, told["nr_throttled"]
        try:
            with open(f"{self.pressure}/cpu.pressure") as file:
                waited = int(file.readline().rsplit("=", 1)[1]) / 1e6
        except OSError:  # the kernel was told not to count it
            return
        yield "container_pressure_cpu_waiting_seconds_total", {}, f"{waited:.6f}"

    def remove(self):
        for folder in self.folders if self.is_there else ():
            for _ in range(50):
                try:
                    os.rmdir(folder)
                    break
                except OSError:  # not all have ended
                    time.sleep(0.1)


def write(path, value):
    with open(path, "w") as file:
        file.write(str(value))


class Server:
    """A server that can be ended and begun again."""

    def __init__(self, kind, command, environment, name):
        self.kind, self.port = kind, free_port()
        self.command = [part.replace("PORT", str(self.port)) for part in command]
        self.environment = os.environ | environment
        self.group = Group(name)
        self.more = []
        self.pin = None
        self.started = 0.0
        self.process = None

    def launch(self):
        """Begins it, without waiting until it serves."""
        command = self.command + self.more
        if self.pin is not None:
            command = ["taskset", "-c", str(self.pin)] + command
        self.process = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        self.group.take(self.process.pid)
        self.started = time.time()

    def begin(self):
        """Begins it, and waits until it serves."""
        self.launch()
        until = time.monotonic() + PATIENCE[self.kind]
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.ask("GET", "/health", None, 1)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit("the server does not come up: run it by hand to see why\n" + " ".join(self.command))

    def ask(self, method, path, body, timeout):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:  # cut off in the middle of an answer
            raise OSError(error) from error
        finally:
            connection.close()

    def processes(self):
        """Numbers of its processes: the first and all that came from it."""
        parents = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as file:
                    parents[int(name)] = int(file.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
        found = {self.process.pid} & parents.keys()
        while True:
            more = {one for one, parent in parents.items() if parent in found} - found
            if not more:
                return found
            found |= more

    def send(self, what):
        for process in self.processes():
            try:
                os.kill(process, what)
            except ProcessLookupError:
                pass

    def cpu_seconds(self):
        """Processor time of all its processes; `None` if there is none."""
        sum_of, ticks = 0, os.sysconf("SC_CLK_TCK")
        found = self.processes() if self.process.poll() is None else ()
        for process in found:
            try:
                with open(f"/proc/{process}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                sum_of += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return sum_of / ticks if found else None

    def kill(self):
        self.send(signal.SIGCONT)
        self.send(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """As one who restarts it on purpose does."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def end(self):
        if self.process:
            self.kill()
        self.group.remove()


def llama_cpp(program, model, name, context, gpu):
    command = [
        program, "--model", model, "--host", "127.0.0.1", "--port", "PORT", "--metrics", "--offline",
        "--threads", "1", "--threads-http", "96", "--ctx-size", str(context), "--parallel", "4",
    ]
    if gpu:
        # All of it or nothing: one that finds too little memory ends, rather than compute on the processor.
        command += ["--n-gpu-layers", "99", "--fit", "off"]
    return Server("llama-cpp", command, {}, name)


def vllm(program, model, name):
    command = [
        program, "serve", model, "--served-model-name", "tiny", "--host", "127.0.0.1", "--port", "PORT",
        "--dtype", "bfloat16", "--max-model-len", "4096", "--max-num-seqs", "8", "--enforce-eager",
    ]
    environment = {
        "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1",
    }
    return Server("vllm", command, environment, name)


class NodeExporter:
    """The host's exporter, if the system has one."""

    def __init__(self, program):
        self.port = free_port()
        collectors = ["cpu", "loadavg", "pressure", "meminfo", "vmstat"]
        command = [program, f"--web.listen-address=127.0.0.1:{self.port}", "--collector.disable-defaults"]
        command += [f"--collector.{name}" for name in collectors]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def address(self):
        return f"http://127.0.0.1:{self.port}/metrics"

    def end(self):
        self.process.kill()
        self.process.wait()
