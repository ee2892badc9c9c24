//! GPUs of a stand-in for the driver's library: what is read, and what happens when they are sick.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use auscult_gpu::{ClockEvent, GpuError, Gpus, Snapshot};

/// Longer than a healthy reading ever takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Builds the stand-in, which looks into the folder that is given back for what to do.
fn stand_in() -> (PathBuf, PathBuf) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nvml");
    std::fs::create_dir_all(&folder).unwrap();
    for told in ["lost", "hang", "xid"] {
        let _ = std::fs::remove_file(folder.join(told));
    }
    let library = folder.join("libnvidia-ml.so.1");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&library)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nvml.c"))
        .status()
        .expect("a C compiler, which building auscult needs, too");
    assert!(built.success());
    (library, folder)
}

fn gpu_0<'p>(page: &'p str, name: &str) -> Option<&'p str> {
    let begin = format!("{name}{{");
    page.lines().find(|line| line.starts_with(&begin) && line.contains("gpu=\"0\""))
}

/// All in one: the library is told by a variable of the process what to do, and is loaded once.
#[test]
fn gpus_are_read_and_sick_ones_do_not_hold_up_the_rest() {
    let (library, folder) = stand_in();
    // The library looks for it in the process that it is loaded into: this one is begun anew.
    if std::env::var_os("FAKE_NVML").is_none() {
        refuses_without_a_driver(&library);
        let name = "gpus_are_read_and_sick_ones_do_not_hold_up_the_rest";
        let again = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env("FAKE_NVML", &folder)
            .status()
            .unwrap();
        assert!(again.success());
        return;
    }
    let gpus = Gpus::open(Some(&library)).unwrap();
    let first = gpus.read(PATIENCE).unwrap();
    is_healthy(&first);
    // Shares are of the time between two readings.
    assert_eq!(first.gpus[0].value("DCGM_FI_PROF_SM_ACTIVE"), None);
    let busy =
        eventually(&gpus, |snapshot| snapshot.gpus[0].value("DCGM_FI_PROF_SM_ACTIVE").is_some());
    let gpu = &busy.gpus[0];
    assert!((gpu.value("DCGM_FI_PROF_SM_ACTIVE").unwrap() - 0.2).abs() < 1e-12);
    assert_eq!(gpu.value("DCGM_FI_PROF_DRAM_ACTIVE"), None, "it is not told");
    assert_eq!(gpu.value("DCGM_FI_PROF_PCIE_TX_BYTES"), Some(200.0 * 1_048_576.0));
    assert_eq!(busy.gpus[1].value("DCGM_FI_PROF_SM_ACTIVE"), None, "an older GPU");

    // An error of the hardware arrives as an event, twice.
    for count in 1..=2 {
        std::fs::write(folder.join("new"), "79").unwrap();
        std::fs::rename(folder.join("new"), folder.join("xid")).unwrap();
        let told = eventually(&gpus, |snapshot| snapshot.gpus[0].recent_xids == [(79, count)]);
        assert_eq!(told.gpus[0].value("DCGM_FI_DEV_XID_ERRORS"), Some(79.0));
        assert_eq!(told.gpus[1].value("DCGM_FI_DEV_XID_ERRORS"), Some(0.0));
        let line = gpu_0(&told.page("node"), "DCGM_EXP_XID_ERRORS_COUNT").unwrap().to_owned();
        let (labels, end) = ("xid=\"79\"", format!("}} {count}"));
        assert!(line.contains(labels) && line.ends_with(&end), "{line}");
    }

    // One that fell off the bus is missing; the other is read.
    std::fs::write(folder.join("lost"), "").unwrap();
    let without = gpus.read(PATIENCE).unwrap();
    assert_eq!((without.gpus.len(), without.lost[0].0), (1, 1));
    assert!(!without.page("node").contains("gpu=\"1\""));
    std::fs::remove_file(folder.join("lost")).unwrap();
    is_healthy(&gpus.read(PATIENCE).unwrap());

    // A call that hangs is given up on, and is told at once as long as it does.
    std::fs::write(folder.join("hang"), "").unwrap();
    let patience = Duration::from_millis(50);
    let Err(GpuError::Hangs { waited }) = gpus.read(patience) else { panic!("it answered") };
    let begin = Instant::now();
    let Err(GpuError::Hangs { waited: longer }) = gpus.read(patience) else {
        panic!("it answered")
    };
    assert!(longer > waited && begin.elapsed() < PATIENCE);
    std::fs::remove_file(folder.join("hang")).unwrap();
    is_healthy(&gpus.read(PATIENCE).unwrap());
}

fn refuses_without_a_driver(library: &Path) {
    let nowhere = Path::new("/nowhere/libnvidia-ml.so.1");
    let error = Gpus::open(Some(nowhere)).unwrap_err().to_string();
    assert!(error.contains("/nowhere/libnvidia-ml.so.1") && error.contains("no NVIDIA driver"));
    // The library is there and the driver is not, as in an image that was built with it.
    let error = Gpus::open(Some(library)).unwrap_err().to_string();
    assert!(error.contains("driver is not loaded"), "{error}");
}

/// Reads until it is so; the library's thread tells events in its own time.
fn eventually(gpus: &Gpus, is_so: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let begin = Instant::now();
    loop {
        let snapshot = gpus.read(PATIENCE).unwrap();
        if is_so(&snapshot) {
            return snapshot;
        }
        assert!(begin.elapsed() < PATIENCE, "{snapshot:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_healthy(snapshot: &Snapshot) {
    assert_eq!((snapshot.driver.as_str(), snapshot.gpus.len()), ("580.1", 2));
    let gpu = &snapshot.gpus[0];
    assert_eq!((gpu.uuid.as_str(), gpu.pci_bus_id.as_str()), ("GPU-0", "00000000:1B:00.0"));
    assert_eq!(gpu.value("DCGM_FI_DEV_POWER_USAGE"), Some(412.345));
    assert_eq!(gpu.value("DCGM_FI_DEV_FB_USED"), Some(70_000.0));
    assert_eq!(gpu.value("DCGM_FI_DEV_POWER_VIOLATION"), Some(2500.0));
    assert_eq!(gpu.value("DCGM_FI_DEV_MEMORY_TEMP"), Some(71.0));
    assert_eq!(gpu.value("DCGM_FI_DEV_FAN_SPEED"), None, "it has no fan");
    assert_eq!(gpu.clock_events().collect::<Vec<_>>(), [ClockEvent::PowerCap]);
    assert_eq!(gpu.processes[0].name.as_deref(), Some("server-42"));
    assert_eq!(gpu.processes[0].memory, Some(69_000 << 20));
    assert_eq!(snapshot.gpus[1].value("DCGM_FI_DEV_GPU_TEMP"), Some(51.0));
    let page = snapshot.page("node-7");
    let line = gpu_0(&page, "DCGM_FI_DEV_GPU_UTIL").unwrap();
    assert_eq!(
        line,
        "DCGM_FI_DEV_GPU_UTIL{DCGM_FI_DRIVER_VERSION=\"580.1\",Hostname=\"node-7\",UUID=\"GPU-0\",\
         device=\"nvidia0\",gpu=\"0\",modelName=\"NVIDIA H100 80GB HBM3\",pci_bus_id=\"00000000:1B:00.0\"} 97"
    );
    assert!(!page.contains("FAN_SPEED"), "what no GPU tells has no family");
}
