//! Fusions of the best candidates, as candidates of their own.

use auscult_core::SettingsMap;
use auscult_detect::Method;
use auscult_detect::ensemble::{Member, Members};

use super::{Candidate, Learning, Question, Tried};

/// The method that fuses.
const FUSION: &str = "score-fusion";
/// Which of the best methods go together, by rank.
const TOGETHER: [&[usize]; 5] = [&[0, 1], &[0, 2], &[1, 2], &[0, 3], &[0, 1, 2]];

/// Whether `method` fuses others.
pub(super) fn is_fusion(method: &Method) -> bool {
    method.name == FUSION
}

/// The methods that the fusion with `settings` is made of; none for its defaults.
pub(super) fn members(settings: &SettingsMap) -> Option<Members> {
    settings.get("members").and_then(|members| serde_json::from_value(members.clone()).ok())
}

/// Fusions of the best of `ranking`, which is in order: of each method that runs online its
/// best variant, of the four best methods two or three at a time.
pub(super) fn fusions(question: &Question, ranking: &[Tried]) -> Vec<Candidate> {
    let asked = question.methods.is_empty() || question.methods.iter().any(|one| is_fusion(one));
    let method = auscult_detect::find(FUSION).filter(|_| asked && question.series[0].channels > 1);
    let Some(method) = method else { return Vec::new() };
    let mut best: Vec<&Candidate> = Vec::new();
    for Tried { candidate, .. } in ranking {
        let is_new = best.iter().all(|other| other.method.name != candidate.method.name);
        if is_new && candidate.learning == Learning::Online && !is_fusion(candidate.method) {
            best.push(candidate);
        }
    }
    let member = |candidate: &Candidate| Member {
        settings: candidate.settings.clone(),
        ..Member::plain(candidate.method.name)
    };
    TOGETHER
        .iter()
        .filter(|places| places.iter().all(|place| *place < best.len()))
        .map(|places| {
            let members = Members(places.iter().map(|place| member(best[*place])).collect());
            let members = serde_json::to_value(members).expect("members are plain data");
            let settings = SettingsMap::from_iter([("members".to_owned(), members)]);
            Candidate { method, settings, learning: Learning::Online }
        })
        .collect()
}
