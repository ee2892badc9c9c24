//! Incidents, decisions, and who was told.

use std::fs;

use auscult_store::{
    Book, BookEntry, Decision, DecisionsWanted, EventsWanted, Folder, IncidentsWanted, OutboxEntry,
    Outgoing, StoreError, StoredChange, StoredEvent, StoredIncident, StoredTold, StoredWaiting,
};

use super::files::{folder, named, seconds};

fn entry(id: u64, state: &str, change: u64) -> BookEntry {
    BookEntry {
        incident: StoredIncident {
            id,
            state: state.to_owned(),
            began: seconds(id as i64),
            updated: seconds(100 + change as i64),
            document: format!("{{\"id\":{id},\"state\":\"{state}\"}}"),
        },
        change: Some(StoredChange {
            number: change,
            happening: "grew".to_owned(),
            document: "{}".to_owned(),
        }),
    }
}

fn decision(about: u64, happening: &str) -> Decision {
    Decision {
        number: 0,
        kind: "verdict".to_owned(),
        about,
        time: seconds(7),
        happening: happening.to_owned(),
        author: "ann".to_owned(),
        document: "{}".to_owned(),
    }
}

fn ids(book: &Book, state: Option<&str>, before: Option<u64>) -> Vec<u64> {
    let state = state.map(str::to_owned);
    let wanted = IncidentsWanted { state, before, limit: 3, ..Default::default() };
    book.incidents(&wanted).unwrap().iter().map(|incident| incident.id).collect()
}

#[test]
fn incidents_changes_and_decisions_survive_a_restart() {
    let path = folder("book").join("auscult.sqlite");
    let (book, note) = Book::open(&path).unwrap();
    assert_eq!(note, None);
    let entries: Vec<BookEntry> = (1..=5).map(|id| entry(id, "open", id)).collect();
    book.note(&entries).unwrap();
    book.note(&[entry(2, "recovered", 6)]).unwrap();
    let decide = |about, happening: &str| {
        let decision = decision(about, happening);
        book.decide(&decision).unwrap()
    };
    assert_eq!([decide(2, "given"), decide(3, "given"), decide(2, "withdrawn")], [1, 2, 3]);
    drop(book);
    let (book, _) = Book::open(&path).unwrap();
    assert_eq!(ids(&book, None, None), [5, 4, 3]);
    assert_eq!(ids(&book, None, Some(3)), [2, 1]);
    assert_eq!(ids(&book, Some("recovered"), None), [2]);
    assert_eq!(book.incident(2).unwrap().unwrap().state, "recovered");
    assert_eq!(book.incident(9).unwrap(), None);
    let numbers = |wanted: &DecisionsWanted<'_>| -> Vec<u64> {
        book.decisions(wanted).unwrap().iter().map(|decision| decision.number).collect()
    };
    let of = |about| DecisionsWanted { kind: Some("verdict"), about, ..Default::default() };
    assert_eq!(numbers(&of(Some((2, 2)))), [1, 3]);
    assert_eq!(numbers(&DecisionsWanted { latest: true, ..of(None) }), [2, 3]);
    assert_eq!(numbers(&DecisionsWanted { limit: Some(2), ..of(None) }), [2, 3]);
    assert_eq!(numbers(&DecisionsWanted { after: 1, before: Some(3), ..of(None) }), [2]);
    assert!(numbers(&DecisionsWanted { kind: Some("silence"), ..of(None) }).is_empty());
    let first = Decision { number: 1, ..decision(2, "given") };
    assert_eq!(book.decisions(&of(Some((2, 2)))).unwrap()[0], first);
    let recent = IncidentsWanted { since: Some(seconds(105)), limit: 9, ..Default::default() };
    assert_eq!(book.incidents(&recent).unwrap().len(), 2);
    let changes = book.newest_changes(2).unwrap();
    assert_eq!(changes.iter().map(|change| change.number).collect::<Vec<_>>(), [5, 6]);
}

#[test]
fn events_are_found_by_what_and_when_and_those_too_old_are_dropped() {
    let path = folder("book-events").join("auscult.sqlite");
    let (book, _) = Book::open(&path).unwrap();
    let event = |time: i64, kind: &str, target: &str| StoredEvent {
        number: 0,
        time: seconds(time),
        kind: kind.to_owned(),
        target: target.to_owned(),
        text: "it's v2".to_owned(),
        source: "argo".to_owned(),
        author: "ann".to_owned(),
    };
    let tell = |event: StoredEvent| book.tell(&event, None).unwrap();
    assert_eq!(tell(event(10, "deploy", "instance=chat-3:8000")), 1);
    assert_eq!(tell(event(30, "config", "serve-0")), 2);
    assert_eq!(tell(event(20, "deploy", "instance=chat-4:8000")), 3);
    drop(book);
    let (book, _) = Book::open(&path).unwrap();
    let numbers = |wanted: EventsWanted<'_>| -> Vec<u64> {
        book.events(&wanted).unwrap().iter().map(|event| event.number).collect()
    };
    assert_eq!(numbers(EventsWanted::default()), [3, 2, 1]);
    assert_eq!(numbers(EventsWanted { kind: Some("deploy"), ..Default::default() }), [3, 1]);
    assert_eq!(numbers(EventsWanted { target: Some("chat-3"), ..Default::default() }), [1]);
    let (since, until) = (Some(seconds(15)), Some(seconds(25)));
    assert_eq!(numbers(EventsWanted { since, until, ..Default::default() }), [3]);
    assert_eq!(
        numbers(EventsWanted { before: Some(3), limit: Some(1), ..Default::default() }),
        [2]
    );
    let first = book.events(&EventsWanted { before: Some(2), ..Default::default() }).unwrap();
    let expected = StoredEvent { number: 1, ..event(10, "deploy", "instance=chat-3:8000") };
    assert_eq!(first, [expected]);
    let mut kinds = book.kinds_of_events().unwrap();
    kinds.sort();
    assert_eq!(kinds, ["config", "deploy"]);
    // What lies before the oldest that is wanted goes; a number is never given again.
    assert_eq!(book.tell(&event(40, "restart", ""), Some(seconds(25))).unwrap(), 4);
    assert!(book.take_back(4).unwrap() && !book.take_back(4).unwrap());
    assert_eq!(numbers(EventsWanted::default()), [2]);
    assert_eq!(book.tell(&event(41, "restart", ""), None).unwrap(), 5);
    assert_eq!(book.newest_event().unwrap(), 5);
}

#[test]
fn a_damaged_database_is_set_aside_and_a_new_one_begun() {
    let folder = folder("book-damaged");
    let path = folder.join("auscult.sqlite");
    fs::write(&path, [7; 10_000]).unwrap();
    let (book, note) = Book::open(&path).unwrap();
    let note = note.unwrap();
    assert!(note.contains("is damaged") && note.contains("auscult.sqlite.damaged-1"), "{note}");
    book.note(&[entry(1, "open", 1)]).unwrap();
    assert_eq!(named(&folder, "damaged-1").len(), 1);
    // Damage in the middle is found too.
    let many: Vec<BookEntry> = (1..2000).map(|id| entry(id, "open", id)).collect();
    book.note(&many).unwrap();
    drop(book);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xee);
    fs::write(&path, bytes).unwrap();
    let (_, note) = Book::open(&path).unwrap();
    assert!(note.unwrap().contains("damaged-2"));
}

#[test]
fn who_is_to_be_told_and_who_was_survives_a_restart() {
    let path = folder("book-outbox").join("auscult.sqlite");
    let (book, _) = Book::open(&path).unwrap();
    assert_eq!(book.installation("first").unwrap(), "first");
    assert_eq!(book.outgoing("pager").unwrap(), Outgoing::default());
    book.note(&[entry(1, "open", 1), entry(1, "recovered", 2)]).unwrap();
    let receiver = || "pager".to_owned();
    let told = StoredTold {
        incident: 1,
        state: "opened".to_owned(),
        updated: seconds(101),
        time: seconds(102),
    };
    let wait =
        |change| OutboxEntry::Wait { receiver: receiver(), change, since: seconds(change as i64) };
    let steps = [
        OutboxEntry::Seen { receiver: receiver(), change: 2 },
        wait(1),
        wait(2),
        // A change that the database does not have.
        wait(3),
        OutboxEntry::Done { receiver: receiver(), change: 1 },
        OutboxEntry::Told { receiver: receiver(), told: told.clone() },
    ];
    book.note_outbox(&steps).unwrap();
    drop(book);
    let (book, _) = Book::open(&path).unwrap();
    assert_eq!(book.installation("second").unwrap(), "first");
    let waiting = StoredWaiting { change: 2, since: seconds(2), document: "{}".to_owned() };
    let known = Outgoing { seen: Some(2), waiting: vec![waiting], told: vec![told] };
    assert_eq!(book.outgoing("pager").unwrap(), known);
    book.keep_receivers(&["other", "it's"]).unwrap();
    assert_eq!(book.outgoing("pager").unwrap(), Outgoing::default());
}

#[test]
fn a_database_of_the_first_version_is_brought_up_to_date_and_a_copy_kept() {
    let path = folder("book-older").join("auscult.sqlite");
    drop(Book::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    let back = "CREATE TABLE verdicts (number INTEGER PRIMARY KEY, incident INTEGER NOT NULL,
                  time INTEGER NOT NULL, is_true INTEGER NOT NULL, fault TEXT, person TEXT,
                  note TEXT) STRICT;
                INSERT INTO verdicts VALUES (1, 4, 7, 0, NULL, 'ann', 'a test');
                DROP TABLE events; DROP TABLE decisions; DROP TABLE installation; DROP TABLE receivers; DROP TABLE waiting;
                DROP TABLE told; PRAGMA user_version = 1;";
    connection.execute_batch(back).unwrap();
    drop(connection);
    let (book, note) = Book::open(&path).unwrap();
    assert_eq!(note, None);
    assert_eq!(book.outgoing("pager").unwrap(), Outgoing::default());
    let moved = book.decisions(&DecisionsWanted::default()).unwrap();
    assert_eq!((moved.len(), moved[0].about, moved[0].author.as_str()), (1, 4, "ann"));
    assert_eq!(moved[0].document, r#"{"verdict":"false","fault":null,"comment":"a test"}"#);
    assert!(path.with_file_name("auscult.sqlite.version-1").exists());
}

#[test]
fn a_database_of_a_newer_release_is_refused_in_words() {
    let path = folder("book-newer").join("auscult.sqlite");
    drop(Book::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Book::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("newer release"), "{error}");
}

#[test]
fn a_folder_is_had_by_one_service_at_a_time() {
    let path = folder("locked");
    let first = Folder::open(&path).unwrap();
    let error = Folder::open(&path).unwrap_err().to_string();
    assert!(error.contains("in use by another auscult"), "{error}");
    drop(first);
    Folder::open(&path).unwrap();
}
