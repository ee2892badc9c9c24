//! Signals that a program does not tell, but that follow from what it or others beside it tell.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use auscult_knowledge::{Knowledge, Scope, Subject};

use super::{Strange, Target, Track};

/// Of programs that count the seconds in which requests were given tokens, and these: the mean time
/// between two.
pub(super) fn derive_latency(target: &mut Target) {
    let find = |name: &str| target.tracks.iter().find(|track| track.signal == name);
    if let (None, Some(seconds), Some(tokens)) =
        (find("inter_token_latency"), find("generation_time"), find("generation_tokens"))
    {
        let both = seconds.values.iter().zip(&tokens.values);
        let values = both.map(|(seconds, tokens)| seconds / tokens).collect();
        let (signal, labels) = ("inter_token_latency".to_owned(), tokens.labels.clone());
        let weights = Some(tokens.values.clone());
        target.tracks.push(Track {
            signal,
            rank: 0,
            labels,
            values,
            weights,
            strange: Strange::default(),
        });
    }
}

/// Of services whose clients' repeats are counted: what is asked for the first time, as far as it ended.
pub(super) fn derive_first_requests(target: &mut Target) {
    let of = |name| -> Vec<&Track> {
        target.tracks.iter().filter(|track| track.signal == name).collect()
    };
    let (ended, repeats) = (of("client_requests"), of("client_repeats"));
    let (Some(_), Some(repeated)) = (ended.first(), repeats.first()) else { return };
    let is_read =
        |all: &[&Track], place: usize| all.iter().any(|track| track.values[place].is_finite());
    let of_first = |place: usize| {
        if !is_read(&ended, place) || !is_read(&repeats, place) {
            return f64::NAN;
        }
        // A request ends later than it is sent again.
        let [ended, repeats] = [&ended, &repeats].map(|all| count(all.iter().copied(), place));
        (ended - repeats).max(0.0)
    };
    let values = (0..repeated.values.len()).map(of_first).collect();
    let labels = repeated.labels.clone();
    target.tracks.push(Track {
        signal: "client_first_requests".to_owned(),
        rank: 0,
        labels,
        values,
        weights: None,
        strange: Strange::default(),
    });
}

/// A replica that says nothing of its process is what its container is.
pub(super) fn lend_container(targets: &mut [Target]) {
    let lent = [("container_start", "process_start"), ("container_cpu_time", "process_cpu_time")];
    let mut known: HashMap<String, Vec<Track>> = HashMap::new();
    for target in targets.iter().filter(|target| target.kind == "container") {
        if let Some(pod) = target.attribute("pod") {
            let is_lent = |track: &&Track| lent.iter().any(|(from, _)| track.signal == *from);
            let tracks = target.tracks.iter().filter(is_lent).cloned();
            known.entry(pod.to_owned()).or_default().extend(tracks);
        }
    }
    for target in targets.iter_mut().filter(|target| target.kind == "replica") {
        let pods = target.attributes.get("pod").into_iter().flatten();
        let tracks: Vec<&Track> = pods.filter_map(|pod| known.get(pod)).flatten().collect();
        for (from, to) in lent {
            if target.tracks.iter().any(|track| track.signal == to) {
                continue;
            }
            let found = tracks.iter().filter(|track| track.signal == from);
            let found = found.map(|track| Track { signal: to.to_owned(), ..(*track).clone() });
            target.tracks.extend(found);
        }
    }
}

/// Of a replica that does not count what it finished, and works alone for its service: what clients
/// saw end, in whatever way, and how long their prompts and answers were in the mean.
pub(super) fn lend_finished(targets: &mut [Target]) {
    let has = |target: &Target, name: &str| target.tracks.iter().any(|track| track.signal == name);
    let workers = workers(targets);
    for service in 0..targets.len() {
        let is_alone = workers.get(&targets[service].name).filter(|workers| workers.len() == 1);
        let Some(worker) = is_alone.and_then(|workers| workers.first()).copied() else { continue };
        if targets[service].kind == "service" && !has(&targets[worker], "requests_finished") {
            let ended = targets[service].tracks.iter();
            let ended = ended.filter(|track| track.signal == "client_requests");
            let signal = "requests_finished".to_owned();
            let lent = ended.map(|track| Track { signal: signal.clone(), ..track.clone() });
            let lent: Vec<Track> = lent.collect();
            let mean =
                |tokens: &str, signal: &str| mean_of(&targets[worker], tokens, &lent, signal);
            let means = [
                mean("prompt_tokens", "prompt_length"),
                mean("generation_tokens", "output_length"),
            ];
            targets[worker].tracks.extend(lent.into_iter().chain(means.into_iter().flatten()));
        }
    }
}

/// Series of others by which a target tells a signal, by number of the target and then by signal: numbers of
/// targets, and places among their tracks.
pub(super) type Lent = HashMap<usize, BTreeMap<String, Vec<(usize, usize)>>>;

/// What the replicas of a service tell, each for itself, and the handbook speaks of at services: taken
/// together, what is too little to stand out at any one does so. Where one works alone it says so itself.
pub(super) fn lend_together(knowledge: &Knowledge, targets: &[Target]) -> Lent {
    let services = knowledge.faults().iter().filter(|fault| fault.place == "service");
    let said = services.flat_map(|fault| fault.statements());
    let said = said.filter(|statement| statement.scope == Scope::Own);
    let signals = said.filter_map(|statement| match &statement.subject {
        Subject::Signal { name, per, .. } => Some([Some(name.as_str()), per.as_deref()]),
        _ => None,
    });
    let signals: BTreeSet<&str> = signals.flatten().flatten().collect();
    let workers = workers(targets);
    let services = targets.iter().enumerate().filter(|(_, target)| target.kind == "service");
    let lent = services.filter_map(|(number, service)| {
        let workers = workers.get(&service.name).filter(|workers| workers.len() > 1)?;
        let own: BTreeSet<&str> =
            service.tracks.iter().map(|track| track.signal.as_str()).collect();
        let mut lent: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for worker in workers {
            for (place, track) in targets[*worker].tracks.iter().enumerate() {
                let signal = track.signal.as_str();
                if signals.contains(signal) && !own.contains(signal) {
                    lent.entry(track.signal.clone()).or_default().push((*worker, place));
                }
            }
        }
        Some((number, lent))
    });
    lent.collect()
}

/// By service: the numbers of its replicas.
fn workers(targets: &[Target]) -> BTreeMap<String, Vec<usize>> {
    let mut workers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (number, target) in targets.iter().enumerate().filter(|(_, one)| one.kind == "replica") {
        if let Some(service) = target.attribute("service").or(target.attribute("model")) {
            workers.entry(service.to_owned()).or_default().push(number);
        }
    }
    workers
}

/// `signal` of a target: its `tokens` by what ended; none where it tells that itself. Where most ended
/// without an answer, their tokens are not among those that were counted, and nobody knows the mean.
fn mean_of(target: &Target, tokens: &str, ended: &[Track], signal: &str) -> Option<Track> {
    if ended.is_empty() || target.tracks.iter().any(|track| track.signal == signal) {
        return None;
    }
    let tokens = target.tracks.iter().find(|track| track.signal == tokens)?;
    let is_unanswered =
        |track: &&Track| track.labels.get("outcome").is_some_and(|how| how != "answered");
    let unanswered: Vec<&Track> = ended.iter().filter(is_unanswered).collect();
    let weights: Vec<f64> = (0..tokens.values.len()).map(|place| count(ended, place)).collect();
    let mean = |(place, tokens): (usize, &f64)| {
        let is_known = count(unanswered.iter().copied(), place) <= weights[place] / 2.0;
        if is_known { tokens / weights[place] } else { f64::NAN }
    };
    let values = tokens.values.iter().enumerate().map(mean).collect();
    let (signal, labels) = (signal.to_owned(), tokens.labels.clone());
    Some(Track {
        signal,
        rank: 0,
        labels,
        values,
        weights: Some(weights),
        strange: Strange::default(),
    })
}

/// What series count together at a place of the grid.
fn count<'t>(tracks: impl IntoIterator<Item = &'t Track>, place: usize) -> f64 {
    let values = tracks.into_iter().map(|track| track.values[place]);
    values.filter(|value| value.is_finite()).sum()
}

#[cfg(test)]
mod tests {
    use auscult_core::{Labels, METRIC_NAME};
    use auscult_knowledge::Knowledge;

    use crate::scene::{Scene, SceneBuilder};

    /// A metric, its labels, its first value, and by how much it grows a second.
    type Series<'t> = (&'t str, &'t [(&'t str, &'t str)], f64, f64);

    /// Two minutes of such series.
    fn scene(series: &[Series<'_>]) -> Scene {
        let knowledge = Knowledge::embedded();
        let mut builder = SceneBuilder::new(&knowledge, 0.0, 5.0, 24);
        for (metric, labels, first, growth) in series {
            let labels = labels.iter().copied().chain([(METRIC_NAME, *metric)]);
            let number = builder.series(&Labels::from_pairs(labels).unwrap()).unwrap();
            for second in 0..120 {
                let time = f64::from(second);
                builder.sample(number, time, first + growth * time);
            }
        }
        builder.build()
    }

    fn reading(scene: &Scene, kind: &str, signal: &str) -> Option<f64> {
        let place = scene.targets().iter().position(|target| target.kind == kind)?;
        let readings = scene.readings(&Knowledge::embedded(), place, signal, None)?;
        readings.get(12).copied()
    }

    const SERVER: &[(&str, &str)] = &[("job", "chat"), ("instance", "10.0.0.7:8080")];

    #[test]
    fn time_between_tokens_is_seconds_by_tokens() {
        let scene = scene(&[
            ("llamacpp:tokens_predicted_seconds_total", SERVER, 0.0, 0.5),
            ("llamacpp:tokens_predicted_total", SERVER, 0.0, 50.0),
        ]);
        let time = reading(&scene, "replica", "inter_token_latency").unwrap();
        assert!((time - 0.01).abs() < 1e-9, "{time}");
    }

    #[test]
    fn a_server_without_labels_is_a_service_on_the_host_of_its_name() {
        let scene = scene(&[
            ("llamacpp:requests_processing", SERVER, 1.0, 0.0),
            ("node_load1", &[("job", "node"), ("instance", "10.0.0.7:9100")], 1.0, 0.0),
        ]);
        let place = |kind: &str, name: &str| {
            let is_it = |target: &crate::scene::Target| target.kind == kind && target.name == name;
            scene.targets().iter().position(is_it).expect("it is there")
        };
        let replica = place("replica", "10.0.0.7:8080");
        assert_eq!(scene.near(place("service", "chat"), "replica"), [replica]);
        assert_eq!(scene.near(place("host", "10.0.0.7"), "replica"), [replica]);
    }

    #[test]
    fn a_server_that_does_not_count_answers_finishes_what_its_clients_see_end() {
        let gateway = [("service", "chat"), ("instance", "gateway:9000"), ("outcome", "answered")];
        let server = [("service", "chat"), ("instance", "chat-0:8080")];
        let scene = scene(&[
            ("llamacpp:tokens_predicted_total", &server, 0.0, 120.0),
            ("gateway_requests_total", &gateway, 0.0, 2.0),
        ]);
        assert_eq!(reading(&scene, "replica", "requests_finished"), Some(2.0));
        assert_eq!(reading(&scene, "replica", "output_length"), Some(60.0));
    }

    #[test]
    fn the_mean_answer_is_not_known_where_most_clients_went_without() {
        let ended = |outcome: &'static str| {
            [("service", "chat"), ("instance", "gateway:9000"), ("outcome", outcome)]
        };
        let (answered, timed_out) = (ended("answered"), ended("timed_out"));
        let server = [("service", "chat"), ("instance", "chat-0:8080")];
        for (given_up, known) in [(1.0, Some(40.0)), (3.0, None)] {
            let scene = scene(&[
                ("llamacpp:tokens_predicted_total", &server, 0.0, 120.0),
                ("gateway_requests_total", &answered, 0.0, 2.0),
                ("gateway_requests_total", &timed_out, 0.0, given_up),
            ]);
            let mean = reading(&scene, "replica", "output_length");
            assert_eq!(mean.filter(|mean| mean.is_finite()), known, "{given_up}");
        }
    }

    #[test]
    fn what_is_asked_first_is_what_is_not_sent_again() {
        let ended = |outcome: &'static str| {
            [("service", "chat"), ("instance", "gateway:9000"), ("outcome", outcome)]
        };
        let (answered, timed_out) = (ended("answered"), ended("timed_out"));
        let server = [("service", "chat"), ("instance", "chat-0:8080")];
        let told = [
            ("llamacpp:requests_processing", &server[..], 1.0, 0.0),
            ("gateway_requests_total", &answered[..], 0.0, 2.0),
            ("gateway_requests_total", &timed_out[..], 0.0, 3.0),
            ("gateway_requests_repeated_total", &answered[..2], 0.0, 1.0),
        ];
        let first = |told| reading(&scene(told), "service", "client_first_requests");
        assert_eq!(first(&told[..]), Some(4.0));
        assert_eq!(first(&told[..3]), None, "nobody counts what is sent again");
    }

    #[test]
    fn replicas_together_tell_their_service_what_one_alone_tells_for_itself() {
        let replica = |instance: &'static str| [("model_name", "chat"), ("instance", instance)];
        let (one, other) = (replica("a:8000"), replica("b:8000"));
        let told = [
            ("vllm:prefix_cache_hits_total", &one[..], 0.0, 30.0),
            ("vllm:prompt_tokens_total", &one[..], 0.0, 100.0),
            ("vllm:prefix_cache_hits_total", &other[..], 0.0, 10.0),
            ("vllm:prompt_tokens_total", &other[..], 0.0, 100.0),
        ];
        let both = scene(&told);
        assert_eq!(reading(&both, "service", "prefix_cache_hits"), Some(40.0));
        assert_eq!(reading(&both, "service", "prompt_tokens"), Some(200.0));
        assert_eq!(reading(&scene(&told[..2]), "service", "prefix_cache_hits"), None);
    }

    #[test]
    fn a_server_that_says_nothing_of_its_process_is_what_its_container_is() {
        let container = [("pod", "chat-0"), ("container", "server"), ("node", "a")];
        let scene = scene(&[
            ("llamacpp:requests_processing", &[("instance", "chat-0:8080")], 1.0, 0.0),
            ("container_start_time_seconds", &container, 1e9, 0.0),
        ]);
        assert_eq!(reading(&scene, "replica", "process_start"), Some(1e9));
    }

    #[test]
    fn several_samples_of_a_moment_count_by_their_mean() {
        let knowledge = Knowledge::embedded();
        let mut builder = SceneBuilder::new(&knowledge, 0.0, 5.0, 4);
        let named = |metric: &'static str| {
            Labels::from_pairs([(METRIC_NAME, metric), ("instance", "a:1")]).unwrap()
        };
        let level = builder.series(&named("llamacpp:requests_processing")).unwrap();
        let state = builder.series(&named("up")).unwrap();
        for (second, value) in [(4.0, 1.0), (5.0, 2.0), (6.0, 0.0)] {
            builder.sample(level, second, value);
            builder.sample(state, second, value.min(1.0));
        }
        let scene = builder.build();
        let read = |signal: &str| {
            let place = scene.targets().iter().position(|target| target.kind == "replica");
            scene.readings(&knowledge, place.unwrap(), signal, None).unwrap()[1]
        };
        assert_eq!((read("requests_running"), read("target_up")), (1.0, 0.0));
    }
}
