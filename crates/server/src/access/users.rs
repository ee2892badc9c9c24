//! Who somebody is, by what a request shows.
//!
//! Sources: RFC 7617 (Basic), RFC 6750 (Bearer).

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::Semaphore;

use super::hash;
use super::rate::Rate;
use super::role::{Role, allows};
use super::settings::UserSettings;
use super::throttle::{Throttle, Turn};
use super::verified::{Fingerprint, Verified};

/// Passwords that are checked at once: more would take all processors.
const CHECKS: usize = 2;
/// How long a password may wait to be checked.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody, or a program.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    roles: Vec<Role>,
    password_hash: Option<String>,
    /// Of the samples that it pushes.
    pub(super) rate: Option<Rate>,
}

impl User {
    pub(super) fn may(&self, role: Role) -> bool {
        allows(&self.roles, role)
    }

    /// Its roles in words.
    pub(super) fn roles(&self) -> String {
        let roles: Vec<String> = self.roles.iter().map(Role::to_string).collect();
        roles.join(" and ")
    }
}

/// All users, and what is known of attempts to be one of them.
#[derive(Debug)]
pub(super) struct Users {
    users: Vec<Arc<User>>,
    by_name: HashMap<String, usize>,
    /// By the keyed hash of the hash of the token.
    by_token: HashMap<Fingerprint, usize>,
    by_certificate: HashMap<String, usize>,
    nobodys_hash: String,
    verified: Verified,
    throttle: Throttle,
    checks: Arc<Semaphore>,
}

/// Why somebody is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Nothing was shown.
    Nothing,
    /// What was shown is not right.
    Wrong,
    /// Too many attempts wait; come back after this time.
    Busy(Duration),
}

/// What a request shows.
enum Credentials {
    Password { name: String, password: String },
    Token(String),
}

impl Users {
    /// Refuses, in a sentence, users that cannot be.
    pub(super) fn new(settings: &[UserSettings]) -> Result<Self, String> {
        let verified = Verified::new()?;
        let (mut users, mut by_name) = (Vec::new(), HashMap::new());
        let (mut by_token, mut by_certificate) = (HashMap::new(), HashMap::new());
        let mut tokens = BTreeSet::new();
        for (place, settings) in settings.iter().enumerate() {
            let name = &settings.name;
            let refuse = |reason: &str| format!("user `{name}`: {reason}");
            if name.is_empty() || name.contains(':') {
                return Err(refuse("expected a name, without a colon"));
            }
            if by_name.insert(name.clone(), place).is_some() {
                return Err(refuse("another user has the same name"));
            }
            if settings.roles.is_empty() {
                return Err(refuse("it has no roles: expected reader, writer or operator"));
            }
            if let Some(hash) = &settings.password_hash {
                hash::check_password_hash(hash).map_err(|reason| refuse(&reason))?;
            }
            for text in &settings.token_hashes {
                let hash = hash::parse_token_hash(text).map_err(|reason| refuse(&reason))?;
                if !tokens.insert(hash) {
                    return Err(refuse("one of its token_hashes is there twice"));
                }
                by_token.insert(verified.fingerprint(&hash), place);
            }
            for certificate in &settings.certificate_names {
                if by_certificate.insert(certificate.clone(), place).is_some() {
                    return Err(refuse(&format!(
                        "certificate name `{certificate}` is there twice"
                    )));
                }
            }
            let ways = (&settings.password_hash, settings.token_hashes.len());
            if ways == (&None, 0) && settings.certificate_names.is_empty() {
                return Err(refuse(
                    "it has no way to prove itself: expected password_hash, token_hashes or certificate_names",
                ));
            }
            users.push(Arc::new(User {
                name: name.clone(),
                roles: settings.roles.clone(),
                password_hash: settings.password_hash.clone(),
                rate: Rate::new(settings.samples_per_second),
            }));
        }
        let nobodys_hash = if users.is_empty() { String::new() } else { hash::nobodys_hash() };
        Ok(Self {
            users,
            by_name,
            by_token,
            by_certificate,
            nobodys_hash,
            verified,
            throttle: Throttle::default(),
            checks: Arc::new(Semaphore::new(CHECKS)),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    pub(super) fn has_certificate_names(&self) -> bool {
        !self.by_certificate.is_empty()
    }

    /// Who it is that comes from `address` with this `Authorization`, or with a certificate of
    /// these names. What is in the header counts, if there is one.
    pub(super) async fn identify(
        &self,
        authorization: Option<&str>,
        certificate: &[String],
        address: IpAddr,
    ) -> Result<Arc<User>, Unknown> {
        let Some(authorization) = authorization else {
            let place = certificate.iter().find_map(|name| self.by_certificate.get(name));
            return place.map(|place| Arc::clone(&self.users[*place])).ok_or(Unknown::Nothing);
        };
        let credentials = credentials(authorization);
        // What was right lately need not wait for those who guess from the same address.
        let fingerprint = self.verified.fingerprint(authorization.as_bytes());
        loop {
            if let Some(place) = self.verified.get(&fingerprint, Instant::now()) {
                return Ok(Arc::clone(&self.users[place]));
            }
            let before = match self.throttle.turn(address, Instant::now()) {
                Turn::TooMany(wait) => return Err(Unknown::Busy(wait)),
                Turn::In { wait, wrong } => {
                    tokio::time::sleep(wait).await;
                    wrong
                }
            };
            let permit = Arc::clone(&self.checks).acquire_owned();
            let permit = tokio::time::timeout(PATIENCE, permit).await;
            let Ok(Ok(permit)) = permit else { return Err(Unknown::Busy(PATIENCE)) };
            if self.verified.get(&fingerprint, Instant::now()).is_some() {
                continue;
            }
            if self.throttle.wrong(address) > before {
                // Others were wrong while this one waited: it waits as long as if it had come after.
                continue;
            }
            let place = match &credentials {
                Some(credentials) => self.check(credentials).await,
                None => None,
            };
            let now = Instant::now();
            match place {
                Some(place) => self.verified.add(fingerprint, place, now),
                None => self.throttle.was_wrong(address, now),
            }
            drop(permit);
            return place.map(|place| Arc::clone(&self.users[place])).ok_or(Unknown::Wrong);
        }
    }

    async fn check(&self, credentials: &Credentials) -> Option<usize> {
        match credentials {
            Credentials::Token(token) => {
                let fingerprint = self.verified.fingerprint(&hash::sha256(token.as_bytes()));
                self.by_token.get(&fingerprint).copied()
            }
            Credentials::Password { name, password } => {
                let place = self.by_name.get(name).copied();
                let known = place.and_then(|place| self.users[place].password_hash.clone());
                let place = place.filter(|_| known.is_some());
                let hash = known.unwrap_or_else(|| self.nobodys_hash.clone());
                let password = password.clone();
                let check = move || hash::is_password(&password, &hash);
                let is_right = tokio::task::spawn_blocking(check).await.unwrap_or(false);
                place.filter(|_| is_right)
            }
        }
    }
}

/// What stands in an `Authorization`; `None` for what cannot be read.
fn credentials(authorization: &str) -> Option<Credentials> {
    let (scheme, rest) = authorization.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Credentials::Token(rest.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(rest).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some(Credentials::Password { name: name.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn users() -> Users {
        let password_hash = Some(bcrypt::hash("swordfish", 4).unwrap());
        let token = |token| hash::hash_token(token).unwrap();
        Users::new(&[
            UserSettings {
                name: "ann".to_owned(),
                roles: vec![Role::Reader, Role::Writer],
                password_hash,
                ..UserSettings::default()
            },
            UserSettings {
                name: "collector".to_owned(),
                roles: vec![Role::Writer],
                token_hashes: vec![
                    token("the first token of the two"),
                    token("the second token of two"),
                ],
                certificate_names: vec!["collector.example.com".to_owned()],
                ..UserSettings::default()
            },
        ])
        .unwrap()
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(text))
    }

    #[tokio::test]
    async fn passwords_tokens_and_certificates_say_who_it_is() {
        let users = users();
        let of = |header: String| {
            let users = &users;
            async move {
                let found = users.identify(Some(&header), &[], ADDRESS).await;
                found.map(|user| user.name.clone())
            }
        };
        for _ in 0..2 {
            assert_eq!(of(basic("ann:swordfish")).await.unwrap(), "ann");
            assert_eq!(of("bearer the second token of two".to_owned()).await.unwrap(), "collector");
        }
        for wrong in [basic("ann:Swordfish"), basic("collector:"), basic("ann"), "Digest a".into()]
        {
            assert_eq!(of(wrong).await, Err(Unknown::Wrong));
        }
        let names = ["other".to_owned(), "collector.example.com".to_owned()];
        let found = users.identify(None, &names, ADDRESS).await.unwrap();
        assert_eq!(found.name, "collector");
        assert!(found.may(Role::Writer) && !found.may(Role::Reader));
        let nobody = users.identify(None, &names[..1], ADDRESS).await;
        assert_eq!(nobody.map(|user| user.name.clone()), Err(Unknown::Nothing));
        // A wrong secret is not made good by a certificate.
        let both = users.identify(Some("Bearer wrong"), &names, ADDRESS).await;
        assert_eq!(both.map(|user| user.name.clone()), Err(Unknown::Wrong));
    }

    #[tokio::test]
    async fn guesses_at_once_are_made_one_after_another_and_who_was_right_does_not_wait() {
        let users = users();
        let right = basic("ann:swordfish");
        users.identify(Some(&right), &[], ADDRESS).await.unwrap();
        let guesses: Vec<String> = (0..40).map(|guess| basic(&format!("ann:{guess}"))).collect();
        let guesses = guesses.iter().map(|guess| {
            let answer = users.identify(Some(guess), &[], ADDRESS);
            tokio::time::timeout(Duration::from_secs(1), answer)
        });
        let ends = futures_util::future::join_all(guesses).await;
        let wrong = ends.iter().filter(|end| matches!(end, Ok(Err(Unknown::Wrong)))).count();
        // After 0, 0.1, 0.3 and 0.7 seconds, however many are made at once.
        assert!((1..=4).contains(&wrong), "{wrong}");
        let cut =
            ends.iter().filter(|end| matches!(end, Err(_) | Ok(Err(Unknown::Busy(_))))).count();
        assert_eq!(wrong + cut, 40);
        let waits = users.throttle.turn(ADDRESS, Instant::now());
        assert!(matches!(waits, Turn::TooMany(_) | Turn::In { wrong: 1.., .. }), "{waits:?}");
        users.identify(Some(&right), &[], ADDRESS).await.unwrap();
    }

    #[test]
    fn users_that_cannot_be_are_refused_in_words() {
        let refused = |yaml: &str| {
            let settings: UserSettings = serde_saphyr::from_str(yaml).unwrap();
            Users::new(&[settings.clone(), settings]).unwrap_err()
        };
        assert!(refused("{roles: [reader]}").contains("expected a name"));
        assert!(refused("{name: a}").contains("no roles"));
        assert!(refused("{name: a, roles: [reader]}").contains("no way to prove itself"));
        let twice = "{name: a, roles: [reader], certificate_names: [b]}";
        assert!(refused(twice).contains("the same name"));
        assert!(refused("{name: a, roles: [reader], password_hash: b}").contains("by bcrypt"));
        assert!(refused("{name: a, roles: [reader], token_hashes: [b]}").contains("64 hex"));
    }
}
