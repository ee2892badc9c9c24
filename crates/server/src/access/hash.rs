//! Hashes that stand for secrets in settings.

use ring::digest;

/// Bytes of a password that bcrypt looks at.
const MOST_PASSWORD_BYTES: usize = 71;
/// Fewest characters of a token: hashed without a salt, it must not be one that can be guessed.
const FEWEST_TOKEN_BYTES: usize = 20;
/// The work of a check doubles with each; 10 is what Prometheus suggests, about 50 ms.
const COST: u32 = 10;
/// Checks that take longer than seconds would stand in the way of others.
const HIGHEST_COST: u32 = 14;
const PREFIX: &str = "sha256:";

/// The bcrypt hash of a password, for `password_hash`.
///
/// ```
/// assert!(auscult_server::hash_password("swordfish")?.starts_with("$2b$10$"));
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
///
/// A sentence for a password that is empty or has more than 71 bytes, of which bcrypt would
/// leave out the rest.
pub fn hash_password(password: &str) -> Result<String, String> {
    match password.len() {
        0 => Err("an empty password cannot be".to_owned()),
        length if length > MOST_PASSWORD_BYTES => Err(format!(
            "the password has {length} bytes, of which bcrypt looks at {MOST_PASSWORD_BYTES} only"
        )),
        _ => bcrypt::hash(password, COST).map_err(|error| error.to_string()),
    }
}

/// The SHA-256 hash of a token, for `token_hashes`.
///
/// ```
/// let hash = auscult_server::hash_token("0123456789abcdef0123456789abcdef")?;
/// assert!(hash.starts_with("sha256:3eb1bd43"));
/// assert!(auscult_server::hash_token("swordfish").is_err());
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
///
/// A sentence for a token of fewer than 20 bytes, which could be guessed.
pub fn hash_token(token: &str) -> Result<String, String> {
    let length = token.len();
    if length < FEWEST_TOKEN_BYTES {
        return Err(format!(
            "the token has {length} bytes: expected a random one of {FEWEST_TOKEN_BYTES} or more, such as `openssl rand -hex 32` gives"
        ));
    }
    let mut hash = PREFIX.to_owned();
    for byte in sha256(token.as_bytes()) {
        hash.push_str(&format!("{byte:02x}"));
    }
    Ok(hash)
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// The bytes of a hash of a token.
pub(super) fn parse_token_hash(text: &str) -> Result<[u8; 32], String> {
    let refuse = || {
        "one of its token_hashes is none: expected sha256: and 64 hexadecimal digits, as `auscult hash-secret --token` prints".to_owned()
    };
    let digits = text.strip_prefix(PREFIX).filter(|digits| digits.len() == 64);
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let digits = digits.ok_or_else(refuse)?;
    let mut hash = [0; 32];
    for (place, byte) in hash.iter_mut().enumerate() {
        let pair = &digits[2 * place..2 * place + 2];
        *byte = u8::from_str_radix(pair, 16).map_err(|_| refuse())?;
    }
    Ok(hash)
}

/// Refuses what is no hash by bcrypt.
pub(super) fn check_password_hash(text: &str) -> Result<(), String> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| {
        "its password_hash is none: expected one by bcrypt, as `auscult hash-secret` prints"
            .to_owned()
    })?;
    let cost = parts.get_cost();
    if !(4..=HIGHEST_COST).contains(&cost) {
        return Err(format!(
            "its password_hash has the cost {cost}: expected 4 to {HIGHEST_COST}, so that checks do not take seconds"
        ));
    }
    Ok(())
}

/// Whether `password` has the `hash`. It takes about 50 ms of a processor.
pub(super) fn is_password(password: &str, hash: &str) -> bool {
    password.len() <= MOST_PASSWORD_BYTES && bcrypt::verify(password, hash).unwrap_or(false)
}

/// A hash that no password has, so that unknown names take as long as wrong passwords.
pub(super) fn nobodys_hash() -> String {
    let mut random = [0; 32];
    let filled = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut random);
    filled
        .ok()
        .and_then(|()| bcrypt::hash(random, COST).ok())
        .expect("the system has random numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_prometheus_are_taken_and_others_refused_in_words() {
        // From the documentation of Prometheus, "Securing Prometheus API and UI endpoints
        // using basic auth": the password is `test`.
        let hash = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay";
        check_password_hash(hash).unwrap();
        assert!(is_password("test", hash) && !is_password("tests", hash));
        let refused = |hash: &str| check_password_hash(hash).unwrap_err();
        assert!(refused("test").contains("by bcrypt"));
        let dear = hash.replace("$12$", "$20$");
        assert!(refused(&dear).contains("the cost 20"));
        assert!(hash_password("").is_err() && hash_password(&"a".repeat(72)).is_err());
    }

    #[test]
    fn a_hash_of_a_token_is_read_as_it_was_written() {
        let token = "a token that is long enough";
        assert_eq!(parse_token_hash(&hash_token(token).unwrap()), Ok(sha256(token.as_bytes())));
        for wrong in ["", "sha256:00", &format!("sha256:{}", "ä".repeat(32)), token] {
            assert!(parse_token_hash(wrong).is_err(), "{wrong}");
        }
    }
}
