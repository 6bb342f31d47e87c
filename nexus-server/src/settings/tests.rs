use clap::Parser;

use super::*;

fn settings(args: &[&str], file: &str) -> Result<Settings, SettingsError> {
    let args = std::iter::once("nexus-server").chain(args.iter().copied());
    let flags = Flags::try_parse_from(args).unwrap();
    Settings::merge(flags, File::parse(file).unwrap(), None)
}

fn refusal(args: &[&str], file: &str) -> String {
    settings(args, file).err().unwrap().to_string()
}

#[test]
fn defaults_need_nothing() {
    let settings = settings(&[], "").unwrap();
    assert_eq!(settings.admin_addr.to_string(), "127.0.0.1:8000");
    assert_eq!(settings.api_addr.to_string(), "127.0.0.1:5231");
    assert_eq!(settings.database, Path::new("data/nexus.db"));
    assert_eq!(settings.logs_dir, Path::new("logs"));
    assert_eq!(settings.drain_timeout, Duration::from_secs(30));
    assert_eq!(settings.max_body_bytes, 64 * 1024 * 1024);
    assert_eq!(settings.max_open_requests, 4096);
    assert_eq!(settings.max_socket_chats, 64);
    assert!(!settings.demo && settings.cors_origins.is_empty());
}

#[test]
fn flag_beats_file_and_keys_are_spelt_either_way() {
    let file = "api_addr = '127.0.0.1:1'\nadmin-addr = 'localhost:2'\ncors_origin = 'https://a.example'\ndemo = true";
    let merged = settings(&["--api-addr", "127.0.0.1:3", "--demo=off"], file).unwrap();
    assert_eq!(merged.api_addr.port(), 3);
    assert_eq!(merged.admin_addr.to_string(), "127.0.0.1:2");
    assert_eq!(merged.cors_origins, ["https://a.example"]);
    assert!(!merged.demo);
    assert!(settings(&["--demo"], "").unwrap().demo);
}

#[test]
fn table_contains_no_secret() {
    let flags = [
        "nexus-server",
        "--demo",
        "--admin-token=secret-token",
        "--grok-proxies=http://user:secret-password@proxy.example:1",
    ];
    let flags = Flags::try_parse_from(flags).unwrap();
    let key = Some("secret-key".to_owned());
    let settings = Settings::merge(flags, File::default(), key).unwrap();
    let table = serde_json::to_value(settings.table()).unwrap();
    assert_eq!(table["demo"], true);
    assert_eq!(table["master_key_from_environment"], true);
    assert_eq!(table["store"], "sqlite:data/nexus.db");
    assert!(!table.to_string().contains("secret"), "{table}");
}

#[test]
fn database_follows_the_data_folder() {
    let path = |args| settings(args, "").unwrap().database;
    assert_eq!(path(&["--data-dir", "/x"]), Path::new("/x/nexus.db"));
    let both = ["--data-dir", "/x", "--store", "sqlite:/y/z.db"];
    assert_eq!(path(&both), Path::new("/y/z.db"));
}

#[test]
fn durability_is_process_unless_power_is_asked_for() {
    let durability = |args, file| settings(args, file).unwrap().durability;
    assert_eq!(durability(&[], ""), Durability::Process);
    assert_eq!(durability(&[], "durability = 'power'"), Durability::Power);
    let flag = ["--durability", "process"];
    assert_eq!(
        durability(&flag, "durability = 'power'"),
        Durability::Process
    );
    let error = File::parse("durability = 'earthquake'").err().unwrap();
    assert!(error.message.contains("process or power"), "{error:?}");
}

#[test]
fn proxies_are_read_wherever_they_are_said() {
    let shown = |args, file| {
        let settings = settings(args, file).unwrap();
        settings.grok_proxies.map(|list| list.to_string())
    };
    assert_eq!(shown(&[], ""), None);
    assert_eq!(shown(&["--grok-proxies", " "], ""), None);
    let file = "grok-proxies = 'http://u:canary@a:1,socks5h://b'";
    let read = Some("http://u:***@a:1,socks5h://b:1080".to_owned());
    assert_eq!(shown(&[], file), read);
    let read = Some("socks5://c:1080".to_owned());
    assert_eq!(shown(&["--grok-proxies", "socks5://c"], file), read);
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let store = refusal(&["--store", "postgres://u:canary@h/db"], "");
    assert!(store.contains("not supported by this build yet"), "{store}");
    assert!(!store.contains("canary"), "{store}");
    assert!(!refusal(&["--store", "mysql:canary"], "").contains("canary"));
    let days = refusal(&["--archive-retention-days", "0"], "");
    assert!(days.contains("at least 1"), "{days}");
    for origin in ["chat.example.com", "https://a.example/path", "null"] {
        assert!(refusal(&["--cors-origin", origin], "").contains(origin));
    }
    assert!(refusal(&["--max-body-mib", "0"], "").contains("--max-body-mib"));
    assert!(refusal(&[], "max_socket_chats = 0").contains("--max-socket-chats"));
    assert!(refusal(&[], "max_open_requests = 0").contains("--max-open-requests"));
    assert!(refusal(&["--log-level", "verbose"], "").contains("verbose"));
}

#[test]
fn admin_port_that_others_can_reach_needs_a_token() {
    for addr in ["0.0.0.0:8000", "[::]:8000", "192.168.1.2:8000"] {
        let text = refusal(&["--admin-addr", addr, "--admin-token", ""], "");
        assert!(
            text.contains(addr) && text.contains("--admin-token"),
            "{text}"
        );
        let file = "admin_token = '0123456789abcdef'";
        assert!(settings(&["--admin-addr", addr], file).is_ok());
        let text = refusal(
            &["--admin-addr", addr, "--admin-token", "0123456789abcde"],
            "",
        );
        assert!(
            text.contains("16 characters") && !text.contains("0123456789"),
            "{text}"
        );
    }
    assert!(settings(&["--admin-addr", "[::1]:8000"], "").is_ok());
    let short = ["--admin-addr", "[::1]:8000", "--admin-token", "t"];
    assert!(settings(&short, "").is_ok());
}

#[test]
fn level_is_for_this_gateway_and_a_filter_for_all() {
    let filter = |level: &str| settings(&["--log-level", level], "").unwrap().log_filter;
    assert_eq!(filter("debug"), "info,nexus_lib=debug,nexus_server=debug");
    assert_eq!(filter("ERROR"), "error,nexus_lib=error,nexus_server=error");
    assert_eq!(filter("warn,hyper=trace"), "warn,hyper=trace");
}

#[test]
fn unknown_key_is_named() {
    let error = File::parse("demo = true\nadmin_adr = '127.0.0.1:1'")
        .err()
        .unwrap();
    assert!(error.message.contains("admin_adr"), "{error:?}");
}

#[test]
fn value_of_a_wrong_type_is_named_and_not_shown() {
    for (file, key, expected) in [
        (
            "demo = true\ndrain_timeout = 'canary'",
            "drain_timeout",
            "a whole number",
        ),
        ("max-body-mib = 1.5", "max-body-mib", "a whole number"),
        (
            "max_open_requests = -1",
            "max_open_requests",
            "a whole number",
        ),
        ("demo = 'canary'", "demo", "true or false"),
        ("admin_token = 12345678", "admin_token", "a text in quotes"),
        ("data_dir = ['canary']", "data_dir", "a text in quotes"),
        ("admin_addr = 8000", "admin_addr", "a text in quotes"),
        (
            "cors_origin = 5",
            "cors_origin",
            "an origin or a list of origins",
        ),
        ("log_format = 'xml'", "log_format", "text or json"),
        (
            "admin-addr = '8000'",
            "admin-addr",
            "an IP address and a port",
        ),
        (
            "admin_token = { a = 'canary' }",
            "admin_token",
            "a text in quotes",
        ),
        ("[demo]\nx = 'canary'", "demo", "true or false"),
    ] {
        let error = File::parse(file).err().unwrap().message;
        assert!(error.contains(&format!("`{key}`")), "{file}: {error}");
        assert!(error.contains(expected), "{file}: {error}");
        assert!(
            !error.contains("canary") && !error.contains("1234"),
            "{error}"
        );
    }
}

#[test]
fn empty_value_counts_as_not_set() {
    let empty = [
        "--drain-timeout",
        "",
        "--admin-addr",
        "",
        "--max-body-mib",
        " ",
    ];
    let settings = settings(&empty, "drain_timeout = 7").unwrap();
    assert_eq!(settings.drain_timeout, Duration::from_secs(7));
    assert_eq!(settings.admin_addr, ADMIN_ADDR);
    assert_eq!(settings.max_body_bytes, 64 << 20);
}

#[test]
fn messages_are_kept_only_where_that_is_asked_for() {
    let kept = |flags: &[&str], file| settings(flags, file).unwrap().messages_dir;
    assert_eq!(kept(&["--messages-dir", "there"], ""), None);
    assert_eq!(
        kept(&["--archive-messages=off"], "archive_messages = true"),
        None
    );
    let default = Some("messages".into());
    assert_eq!(kept(&["--archive-messages"], ""), default);
    let file = "archive_messages = true\nmessages_dir = 'there'\narchive_retention_days = 7";
    assert_eq!(kept(&[], file), Some("there".into()));
    assert_eq!(settings(&[], file).unwrap().archive_retention_days, Some(7));
}

#[test]
fn logs_are_text_for_two_weeks_unless_said_otherwise() {
    let log = |flags: &[&str], file| {
        let settings = settings(flags, file).unwrap();
        (settings.log_format, settings.log_retention_days)
    };
    assert_eq!(log(&[], ""), (LogFormat::Text, 14));
    let file = "log_format = 'json'\nlog-retention-days = 3";
    assert_eq!(log(&[], file), (LogFormat::Json, 3));
    let flags = ["--log-format", "text", "--log-retention-days", "90"];
    assert_eq!(log(&flags, file), (LogFormat::Text, 90));
    assert!(refusal(&["--log-retention-days", "0"], "").contains("at least 1"));
    let error = File::parse("log_format = 'xml'").err().unwrap();
    assert!(error.message.contains("text or json"), "{error:?}");
}
