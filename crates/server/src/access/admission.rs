//! Requests that push metrics, as many at once as there is room for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::body::{Account, Packing};
use super::refusal::Refusal;
use super::settings::LimitSettings;
use super::users::User;

/// How much longer snappy can make anything: copies of 64 bytes in three.
pub(super) const SNAPPY: Packing = Packing::Times(24);
/// How much longer gzip makes metrics at most; it can do 1,032, with what is none.
const GZIP: Packing = Packing::Times(100);
/// When a request may be sent again.
const AGAIN: Duration = Duration::from_secs(1);

/// Room for requests.
#[derive(Debug)]
pub(super) struct Admission {
    writes: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    most_unpacked: usize,
}

/// A request that was let in. What is done with its body holds on to it, also when who sent it
/// is gone, so that memory in use is counted as such.
#[derive(Debug, Clone)]
pub(crate) struct Admitted(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    account: Arc<Account>,
    user: Option<Arc<User>>,
    _write: OwnedSemaphorePermit,
}

impl Admission {
    pub(super) fn new(
        limits: &LimitSettings,
        most_request: usize,
        most_unpacked: usize,
    ) -> Result<Self, String> {
        let largest = most_request.saturating_add(most_unpacked);
        // A permit more for what rounding takes.
        if Account::units(limits.write_bytes) <= Account::units(largest as u64) {
            return Err(format!(
                "limits: write_bytes = {}: must be above {largest}, what one request may take",
                limits.write_bytes
            ));
        }
        Ok(Self {
            writes: Arc::new(Semaphore::new(limits.writes.min(Semaphore::MAX_PERMITS))),
            memory: Arc::new(Semaphore::new(Account::units(limits.write_bytes))),
            most_unpacked,
        })
    }

    /// Lets a request of `user` in, or says when it may come again.
    pub(super) fn admit(
        &self,
        headers: &HeaderMap,
        unsaid: Packing,
        user: Option<&Arc<User>>,
    ) -> Result<(Admitted, Arc<Account>), Refusal> {
        let rate = user.and_then(|user| user.rate.as_ref());
        if let Some(wait) = rate.and_then(|rate| rate.wait(Instant::now())) {
            let reason = "more samples came from this user than samples_per_second allows; send it again later";
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate", reason).again_in(wait));
        }
        let Ok(write) = Arc::clone(&self.writes).try_acquire_owned() else {
            let reason = "too many requests push metrics at once; send it again";
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "writes", reason);
            return Err(refusal.again_in(AGAIN));
        };
        let (memory, packing) = (Arc::clone(&self.memory), packing(headers, unsaid));
        let account = Arc::new(Account::new(memory, packing, self.most_unpacked));
        let inside = Inside { account: Arc::clone(&account), user: user.cloned(), _write: write };
        Ok((Admitted(Arc::new(inside)), account))
    }

    /// Why a request whose body found no memory is not carried out.
    pub(super) fn no_memory() -> Refusal {
        let reason = "requests that push metrics take all the memory for them; send it again";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "write_bytes", reason).again_in(AGAIN)
    }
}

impl Admitted {
    /// Most bytes that the body may become, once all of it has come.
    pub(crate) fn allowance(&self) -> usize {
        self.0.account.allowance()
    }

    /// Notes that `samples` were in it.
    pub(crate) fn charge(&self, samples: u64) {
        if let Some(rate) = self.0.user.as_ref().and_then(|user| user.rate.as_ref()) {
            rate.charge(samples, Instant::now());
        }
    }
}

/// How a body is packed; as `unsaid` tells, where its headers do not.
fn packing(headers: &HeaderMap, unsaid: Packing) -> Packing {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // A message of gRPC says by itself whether it is packed as the header says.
    match header("grpc-encoding") {
        Some("identity") => return Packing::Plain,
        Some(_) => return Packing::Unknown,
        None => {}
    }
    match header(header::CONTENT_ENCODING.as_str()) {
        None => unsaid,
        Some("" | "identity") => Packing::Plain,
        Some(snappy) if snappy.eq_ignore_ascii_case("snappy") => SNAPPY,
        Some(_) => GZIP,
    }
}
