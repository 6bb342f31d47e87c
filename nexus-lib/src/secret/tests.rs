use std::fs;

use secrecy::ExposeSecret;

use super::{MasterKey, Sealed, Sealer};
use crate::error::ErrorKind;

fn key() -> MasterKey {
    MasterKey::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap()
}

#[test]
fn a_sealed_text_opens_only_for_its_row_purpose_and_key() {
    let sealer = Sealer::new(&key(), "server_key");
    let sealed = sealer.seal(1, "sk-中文").unwrap();
    let bytes = sealed.as_bytes();

    assert_eq!(sealer.open(1, &sealed).unwrap().expose_secret(), "sk-中文");
    let other_key = Sealer::new(&MasterKey::generate().unwrap(), "server_key");
    let other_purpose = Sealer::new(&key(), "canary");
    for refused in [
        sealer.open(2, &sealed),
        other_key.open(1, &sealed),
        other_purpose.open(1, &sealed),
        sealer.open(1, &Sealed::from_bytes(&bytes[..bytes.len() - 1])),
        sealer.open(1, &Sealed::from_bytes([])),
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::StoreInvalid);
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        assert!(
            sealer.open(1, &Sealed::from_bytes(changed)).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn sealing_twice_gives_different_bytes_without_the_text() {
    let sealer = Sealer::new(&key(), "server_key");
    let (one, two) = (
        sealer.seal(1, "sk-canary").unwrap(),
        sealer.seal(1, "sk-canary").unwrap(),
    );
    assert_ne!(one, two);
    assert!(
        !one.as_bytes()
            .windows(9)
            .any(|window| window == b"sk-canary")
    );
}

#[test]
fn only_32_bytes_in_base64_are_a_key() {
    for text in [
        "",
        "secret",
        "AAAA",
        &"A".repeat(44),
        &format!("{}==", "A".repeat(46)),
    ] {
        let error = MasterKey::from_base64(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{text}");
        assert!(error.to_string().contains("openssl rand -base64 32"));
        assert!(text.is_empty() || !error.to_string().contains(text));
    }
    assert_eq!(format!("{:?}", key()), "MasterKey(…)");
}

#[test]
fn the_key_file_is_made_once_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/master.key");
    let made = MasterKey::load_or_create(&path).unwrap();
    let read = MasterKey::load_or_create(&path).unwrap();

    assert_eq!(made.as_bytes(), read.as_bytes());
    let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(files, 1, "no draft stays behind");
}

#[test]
fn threads_that_make_the_key_file_at_once_get_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let keys: Vec<_> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| MasterKey::load_or_create(&path).unwrap()))
            .collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap())
            .collect()
    });
    assert!(keys.iter().all(|key| key.as_bytes() == keys[0].as_bytes()));
}

#[test]
fn a_file_that_holds_no_key_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let key = MasterKey::load_or_create(&path).unwrap();
    drop(key);
    fs::write(&path, "not a key").unwrap();

    let error = MasterKey::load_or_create(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(fs::read_to_string(&path).unwrap(), "not a key");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    MasterKey::load_or_create(&path).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = MasterKey::load_or_create(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("chmod 600"), "{error}");
    assert_eq!(mode(&path), 0o640, "it is not tightened in silence");
}
