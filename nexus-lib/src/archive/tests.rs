use std::fs;
use std::time::Duration;

use futures_util::future::poll_immediate;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::wire::Operation;

const PATIENT: Duration = Duration::from_secs(3600);

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn record(ended_at: &str) -> ArchiveRecord {
    let body = "{\"model\": \"m\",\r\n \"messages\": [\n  {\"role\": \"user\", \"content\": \"a\\nb\", \"n\": 1.50}\r\n ], \"x\": 1}";
    let reply = json!({"choices": [{"index": 0, "message": {"content": "好"}}]});
    ArchiveRecord {
        request_id: RequestId::new(),
        conversation_id: "talk".parse().unwrap(),
        provider: "p".into(),
        model: "m".into(),
        state: RequestState::Completed,
        started_at: at("2026-01-31T08:00:00.123Z"),
        ended_at: at(ended_at),
        asked: Prompt::new(Operation::ChatCompletion, body.into()),
        answer: Delivered::Whole(reply.to_string().into()),
    }
}

fn wanted(record: &ArchiveRecord) -> (RequestId, Timestamp) {
    (record.request_id, record.ended_at)
}

fn ids(lines: &[Value]) -> Vec<RequestId> {
    let id = |line: &Value| line["request_id"].as_str().unwrap().parse().unwrap();
    lines.iter().map(id).collect()
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// A folder that can be replaced by a file, so that nothing can be written.
struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("archive")
    }

    fn fail(&self) {
        fs::rename(self.dir(), self.0.path().join("away")).unwrap();
        fs::write(self.dir(), "in the way").unwrap();
    }

    fn restore(&self) {
        fs::remove_file(self.dir()).unwrap();
        fs::rename(self.0.path().join("away"), self.dir()).unwrap();
    }
}

fn tight(dir: &Path, patience: Duration) -> Archive {
    let limits = Limits {
        bytes: 1,
        records: 16,
        patience,
    };
    Archive::open_within(dir, None, limits).unwrap()
}

#[tokio::test]
async fn calls_are_filed_by_their_hour_and_read_back_in_the_order_asked_for() {
    let disk = Disk::new();
    let archive = Archive::open(disk.dir(), None).unwrap();
    let [first, last, next] = [
        "2026-01-31T08:00:00Z",
        "2026-01-31T23:59:59.900Z",
        "2026-02-01T00:00:00.100Z",
    ]
    .map(record);
    let asked = [&next, &first, &last].map(wanted);
    let expected = asked.map(|(id, _)| id);
    for record in [first, last, next] {
        archive.push(record);
    }

    let found = archive.read(asked.to_vec()).await.unwrap();
    assert_eq!(ids(&found), expected);
    for hour in ["2026/01/31/08", "2026/01/31/23", "2026/02/01/00"] {
        assert_eq!(
            lines(&disk.dir().join(format!("{hour}.jsonl"))).len(),
            1,
            "{hour}"
        );
    }
    // The ledger's time is on the other side of the hour's border; one line does not exist; one is
    // elsewhere.
    let (next, first, last) = (expected[0], expected[1], expected[2]);
    let vague = vec![
        (RequestId::new(), at("2026-01-31T08:00:00Z")),
        (last, at("2026-02-01T00:00:00.500Z")),
        (next, at("2026-01-31T23:59:59.500Z")),
        (first, at("2026-01-31T12:00:00Z")),
    ];
    let found = archive.read(vague).await.unwrap();
    assert_eq!(ids(&found), [last, next]);
    archive.close().await.unwrap();
}

#[tokio::test]
async fn a_line_has_the_messages_as_they_came_and_the_reply_decoded() {
    let disk = Disk::new();
    let archive = Archive::open(disk.dir(), None).unwrap();
    let mut unreadable = record("2026-01-31T08:30:00Z");
    unreadable.asked = Prompt::new(Operation::ChatCompletion, "no JSON".into());
    unreadable.answer = Delivered::Nothing;
    let record = record("2026-01-31T08:30:00Z");
    let id = record.request_id;
    archive.push(record);
    archive.push(unreadable);
    archive.close().await.unwrap();

    let path = disk.dir().join("2026/01/31/08.jsonl");
    let lines = lines(&path);
    let messages = r#"[   {"role": "user", "content": "a\nb", "n": 1.50}   ]"#;
    let reply = r#"[{"role":"assistant","content":"好"}]"#;
    assert_eq!(
        lines[0],
        format!(
            r#"{{"request_id":"{id}","conversation_id":"talk","provider":"p","model":"m","state":"completed","started_at":"2026-01-31T08:00:00.123Z","ended_at":"2026-01-31T08:30:00.000Z","messages":{messages},"reply":{reply}}}"#
        )
    );
    assert!(lines[1].ends_with(r#""messages":[],"reply":[]}"#));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        for folder in path.ancestors().skip(1).take(4) {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }
}

#[tokio::test]
async fn a_torn_line_spoils_no_other() {
    let disk = Disk::new();
    let path = disk.dir().join("2026/01/31/08.jsonl");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let record = record("2026-01-31T08:30:00Z");
    let wanted = wanted(&record);
    let torn = format!(
        "not one of ours\n\n{{\"request_id\":\"{}\",\"conversation_id\":\"ta",
        wanted.0
    );
    let archive = Archive::open(disk.dir(), None).unwrap();
    let first = self::record("2026-01-31T07:30:00Z");
    let first_wanted = self::wanted(&first);
    archive.push(first);
    assert_eq!(archive.read(vec![first_wanted]).await.unwrap().len(), 1);
    // By another process, after the start.
    fs::write(&path, &torn).unwrap();
    archive.push(record);
    let found = archive.read(vec![wanted]).await.unwrap();
    assert_eq!(found[0]["reply"][0]["content"], "好");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&format!("{torn}\n{{")));
    archive.close().await.unwrap();
}

/// Opens and closes the archive whose newest file is `text`; returns the file's content afterwards.
async fn mended(text: &str) -> String {
    let disk = Disk::new();
    let older = disk.dir().join("2026/01/31/07.jsonl");
    let path = disk.dir().join("2026/01/31/08.jsonl");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    for name in ["09.txt", "x9.jsonl", "9"] {
        fs::write(path.with_file_name(name), "no file of ours").unwrap();
    }
    fs::write(&older, "{\"request_id\":\"left as it").unwrap();
    fs::write(&path, text).unwrap();
    let archive = Archive::open(disk.dir(), None).unwrap();
    archive.close().await.unwrap();
    assert!(fs::read_to_string(older).unwrap().ends_with("as it"));
    fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn line_that_a_kill_has_torn_is_cut_off_at_the_next_start() {
    let whole = "{\"request_id\":\"a\"}\n";
    let long = format!("{{\"request_id\":\"{}", "x".repeat(200_000));
    for torn in ["{", "{\"request_id\":\"01", &long] {
        assert_eq!(mended(&format!("{whole}{torn}")).await, whole);
        assert_eq!(mended(torn).await, "");
    }
    // Only its end was missing.
    assert_eq!(mended(whole.trim_end()).await, whole);
    for kept in [whole, "", "{}\n a note of somebody"] {
        assert_eq!(mended(kept).await, kept);
    }
}

#[tokio::test]
async fn old_files_and_their_folders_are_deleted_and_nothing_else() {
    let disk = Disk::new();
    let today = files::Hour::of(Timestamp::now()).path(Path::new(""));
    let kept = [
        today.to_str().unwrap(),
        "2020/01/03/notes.txt",
        "2020/01/03/24.jsonl",
        "2020/13/01/00.jsonl",
        "2020/1/01/00.jsonl",
        "2020-old/01/01/00.jsonl",
        "00.jsonl",
    ];
    let old = [
        "2020/01/02/03.jsonl",
        "2020/01/03/04.jsonl",
        "2019/12/31/23.jsonl",
    ];
    for name in kept.iter().chain(&old) {
        let path = disk.dir().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{}\n").unwrap();
    }
    let archive = Archive::open(disk.dir(), Some(30)).unwrap();
    archive.close().await.unwrap();
    for name in kept {
        assert!(disk.dir().join(name).is_file(), "{name} is gone");
    }
    for name in old {
        assert!(!disk.dir().join(name).exists(), "{name} is still there");
    }
    assert!(!disk.dir().join("2020/01/02").exists());
    assert!(!disk.dir().join("2019").exists());
}

#[test]
fn a_file_is_old_when_its_last_second_is() {
    let disk = Disk::new();
    let path = disk.dir().join("2026/01/31/08.jsonl");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "{}\n").unwrap();
    let end = at("2026-01-31T09:00:00Z").as_seconds();
    assert_eq!(retention::delete(&disk.dir(), end - 1).unwrap(), 0);
    assert_eq!(retention::delete(&disk.dir(), end).unwrap(), 1);
    assert!(!disk.dir().join("2026").exists() && disk.dir().exists());
}

#[tokio::test]
async fn a_full_queue_holds_admission_until_it_is_written() {
    let disk = Disk::new();
    let archive = tight(&disk.dir(), PATIENT);
    archive.admit().await.unwrap();
    disk.fail();
    archive.push(record("2026-01-31T08:30:00Z"));
    archive.push(record("2026-01-31T09:30:00Z"));
    let early = poll_immediate(archive.admit()).await;
    assert!(early.is_none(), "the queue is full");
    disk.restore();
    archive.admit().await.unwrap();
    archive.close().await.unwrap();
    for hour in ["08", "09"] {
        let path = disk.dir().join(format!("2026/01/31/{hour}.jsonl"));
        assert_eq!(lines(&path).len(), 1);
    }
}

#[tokio::test]
async fn a_disk_that_refuses_for_long_stops_admission_and_loses_nothing() {
    let disk = Disk::new();
    let archive = tight(&disk.dir(), Duration::ZERO);
    disk.fail();
    let records = [
        "2026-01-31T08:30:00Z",
        "2026-01-31T08:40:00Z",
        "2026-01-31T09:30:00Z",
    ]
    .map(record);
    let asked: Vec<_> = records.iter().map(wanted).collect();
    for record in records {
        archive.push(record);
    }
    let refused = archive.admit().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LedgerUnavailable);
    assert!(refused.retry_after().is_some());
    disk.restore();
    // Tries once more, whatever the pause.
    archive.close().await.unwrap();
    let expected: Vec<_> = asked.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids(&archive.read(asked).await.unwrap()), expected);
}

#[tokio::test]
async fn close_does_not_wait_forever_and_reports_what_is_lost() {
    let disk = Disk::new();
    let archive = tight(&disk.dir(), Duration::ZERO);
    disk.fail();
    archive.push(record("2026-01-31T08:30:00Z"));
    archive.push(record("2026-01-31T09:30:00Z"));
    let lost = archive.close().await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::StoreUnavailable);
    assert!(lost.to_string().starts_with("2 records"));
    // Late, after the thread has ended.
    archive.push(record("2026-01-31T08:30:00Z"));
    archive.close().await.unwrap();
}

#[tokio::test]
async fn close_writes_what_is_queued_and_admits_nothing_more() {
    let disk = Disk::new();
    let archive = Archive::open(disk.dir(), None).unwrap();
    let pusher = archive.clone();
    std::thread::spawn(move || (0..500).for_each(|_| pusher.push(record("2026-01-31T08:30:00Z"))))
        .join()
        .unwrap();
    archive.close().await.unwrap();
    let lines = lines(&disk.dir().join("2026/01/31/08.jsonl"));
    assert_eq!(lines.len(), 500);
    let refused = archive.admit().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Closed);
}

#[test]
fn a_folder_that_cannot_be_made_is_refused_at_once() {
    let disk = Disk::new();
    fs::write(disk.dir(), "a file").unwrap();
    let refused = Archive::open(disk.dir(), None).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
}
