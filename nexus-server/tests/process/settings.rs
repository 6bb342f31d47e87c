use std::net::TcpListener;

use crate::server::Home;

/// Asserts that the server refuses to start with one clear line, and returns it.
#[track_caller]
fn refusal(home: &Home, args: &[&str], env: &[(&str, &str)], code: i32) -> String {
    let output = home.fail(args, env);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    assert_eq!(output.stdout, b"");
    stderr
}

#[tokio::test]
async fn flag_beats_environment_beats_file_beats_default() {
    let home = Home::new();
    home.write("nexus.toml", "logs_dir = 'from-file'\n");
    let config = ["--config", "nexus.toml"];
    let by_env = [("NEXUS_LOGS_DIR", "from-env")];
    let by_flag = [&config[..], &["--logs-dir", "from-flag"]].concat();
    let made = |name| home.path().join(name).is_dir();

    home.start(&[], &[]).stop().await;
    assert!(made("logs") && !made("from-file"));
    home.start(&config, &[]).stop().await;
    assert!(made("from-file") && !made("from-env"));
    home.start(&config, &by_env).stop().await;
    assert!(made("from-env") && !made("from-flag"));
    home.start(&by_flag, &by_env).stop().await;
    assert!(made("from-flag"));
}

#[tokio::test]
async fn every_setting_can_come_from_the_environment_or_the_file() {
    let home = Home::new();
    home.write(
        "nexus.toml",
        "admin_addr = '127.0.0.1:0'\napi-addr = '127.0.0.1:0'\ndrain_timeout = 1\ndata_dir = 'd'\n",
    );
    let env = [
        ("NEXUS_CONFIG", "nexus.toml"),
        ("NEXUS_DEMO", "yes"),
        ("NEXUS_LOG", "warn"),
    ];
    let server = home.start_at(&[], &env);
    let providers = server.admin_json("/providers").await;
    assert_eq!(providers["providers"][0]["name"], "demo");
    server.stop().await;
    assert!(home.path().join("d/nexus.db").is_file());
    assert_eq!(home.stderr(), "", "nothing to warn of");
}

#[test]
fn unknown_key_is_named() {
    let home = Home::new();
    home.write("nexus.toml", "demo = true\nadmin_adr = '127.0.0.1:1'\n");
    let stderr = refusal(&home, &["--config", "nexus.toml"], &[], 2);
    assert!(
        stderr.contains("admin_adr") && stderr.contains("line 2"),
        "{stderr}"
    );
}

#[test]
fn broken_file_is_refused_without_showing_it() {
    let home = Home::new();
    home.write("nexus.toml", "admin_token = 'canary\n");
    let stderr = refusal(&home, &["--config", "nexus.toml"], &[], 2);
    assert!(
        stderr.contains("line 1") && !stderr.contains("canary"),
        "{stderr}"
    );
    let stderr = refusal(&home, &["--config", "absent.toml"], &[], 2);
    assert!(stderr.contains("absent.toml"), "{stderr}");
}

#[test]
fn admin_port_that_others_can_reach_needs_a_token() {
    let home = Home::new();
    let stderr = refusal(&home, &["--admin-addr", "0.0.0.0:0"], &[], 2);
    assert!(stderr.contains("NEXUS_ADMIN_TOKEN"), "{stderr}");
    let short = ["--admin-addr", "0.0.0.0:0", "--admin-token", "x"];
    let stderr = refusal(&home, &short, &[], 2);
    assert!(stderr.contains("16 characters"), "{stderr}");
    assert!(
        !home.path().join("data").exists(),
        "refused before anything is made"
    );
}

#[test]
fn what_is_not_there_yet_is_refused() {
    let home = Home::new();
    let stderr = refusal(&home, &["--store", "postgres://u:canary@h/db"], &[], 2);
    assert!(
        stderr.contains("not supported by this build yet"),
        "{stderr}"
    );
    assert!(!stderr.contains("canary"), "{stderr}");
    let stderr = refusal(&home, &[], &[("NEXUS_MASTER_KEY", "canary")], 2);
    assert!(
        stderr.contains("master key") && !stderr.contains("canary"),
        "{stderr}"
    );
}

#[test]
fn proxies_that_make_no_sense_are_refused_without_their_passwords() {
    let home = Home::new();
    home.write("nexus.toml", "grok_proxies = 'http://u:canary@p/x'\n");
    for (args, env, blamed) in [
        (
            &["--grok-proxies", "ftp://u:canary@p"][..],
            &[][..],
            "--grok-proxies",
        ),
        (
            &["--grok-proxies", "http://p,u:canary@p"],
            &[],
            "--grok-proxies",
        ),
        (
            &[],
            &[("NEXUS_GROK_PROXIES", "socks5://u:canary@p:0")],
            "NEXUS_GROK_PROXIES",
        ),
        (
            &["--config", "nexus.toml"],
            &[],
            "`grok_proxies` in the configuration file",
        ),
    ] {
        let stderr = refusal(&home, args, env, 2);
        assert!(stderr.contains(blamed), "{stderr}");
        assert!(!stderr.contains("canary"), "{stderr}");
    }
}

#[test]
fn wrong_values_are_usage_errors() {
    let home = Home::new();
    for (args, env) in [
        (&["--admin-addr", "8000"][..], &[][..]),
        (&["--nope"], &[]),
        (&["--drain-timeout", "soon"], &[]),
        (&["--durability", "earthquake"], &[]),
        (&[], &[("NEXUS_DEMO", "maybe")]),
    ] {
        let output = home.fail(args, env);
        assert_eq!(output.status.code(), Some(2), "{args:?} {env:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn variable_with_a_wrong_value_is_blamed_itself() {
    let home = Home::new();
    for (name, value, expected) in [
        ("NEXUS_DRAIN_TIMEOUT", "abc", "a whole number"),
        ("NEXUS_MAX_BODY_MIB", "1.5", "a whole number"),
        ("NEXUS_MAX_BODY_MIB", "0", "at least 1"),
        ("NEXUS_LOG_RETENTION_DAYS", "-1", "a whole number"),
        ("NEXUS_LOG_RETENTION_DAYS", "0", "at least 1"),
        ("NEXUS_ADMIN_ADDR", "8000", "an IP address and a port"),
        ("NEXUS_DEMO", "maybe", "true, yes or on"),
        ("NEXUS_DURABILITY", "earthquake", "process or power"),
        ("NEXUS_LOG_FORMAT", "xml", "text or json"),
        ("NEXUS_LOG", "verbose", "error, warn, info"),
        ("NEXUS_STORE", "mysql:x", "sqlite:PATH"),
        (
            "NEXUS_CORS_ORIGIN",
            "chat.example.com",
            "scheme, host and port",
        ),
        ("NEXUS_GROK_PROXIES", "ftp://p", "http"),
    ] {
        let stderr = refusal(&home, &[], &[(name, value)], 2);
        assert!(
            stderr.starts_with(&format!("nexus-server: {name} ")) && stderr.contains(expected),
            "{stderr}"
        );
    }
    // A value of the command line or the file is still blamed on its source.
    let env = [("NEXUS_DRAIN_TIMEOUT", "5")];
    let output = home.fail(&["--drain-timeout", "abc"], &env);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("'--drain-timeout <SECONDS>'") && !stderr.contains("NEXUS_DRAIN"),
        "{stderr}"
    );
    home.write("nexus.toml", "max_body_mib = 0\n");
    let stderr = refusal(&home, &["--config", "nexus.toml"], &[], 2);
    assert!(
        stderr.contains("`max_body_mib` in the configuration file"),
        "{stderr}"
    );
}

#[test]
fn key_of_the_file_with_a_wrong_type_is_named_without_its_value() {
    let home = Home::new();
    home.write("nexus.toml", "demo = true\nadmin_token = 1234567\n");
    let stderr = refusal(&home, &["--config", "nexus.toml"], &[], 2);
    assert!(
        stderr.contains("line 2") && stderr.contains("`admin_token` must be a text in quotes"),
        "{stderr}"
    );
    assert!(!stderr.contains("1234567"), "{stderr}");
}

#[test]
fn a_port_in_use_is_reported() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let args = ["--admin-addr", &addr, "--api-addr", "127.0.0.1:0"];
    let stderr = refusal(&home, &args, &[], 1);
    assert!(
        stderr.contains(&addr) && stderr.contains("admin"),
        "{stderr}"
    );
}

#[test]
fn help_names_every_setting_and_no_value() {
    let env = [
        ("NEXUS_ADMIN_TOKEN", "canary"),
        ("NEXUS_STORE", "sqlite:canary"),
        ("NEXUS_GROK_PROXIES", "http://u:canary@p"),
    ];
    let output = Home::new().fail(&["--help"], &env);
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8(output.stdout).unwrap();
    for name in [
        "config",
        "admin-addr",
        "api-addr",
        "admin-token",
        "store",
        "durability",
        "data-dir",
        "logs-dir",
        "messages-dir",
        "archive-messages",
        "archive-retention-days",
        "cors-origin",
        "grok-proxies",
        "demo",
        "drain-timeout",
        "max-body-mib",
        "max-body-memory-mib",
        "log-max-mib",
    ] {
        let variable = name.to_uppercase().replace('-', "_");
        assert!(help.contains(&format!("--{name}")), "{name}");
        assert!(help.contains(&format!("NEXUS_{variable}")), "{variable}");
    }
    assert!(help.contains("NEXUS_LOG") && help.contains("NEXUS_MASTER_KEY"));
    assert!(!help.contains("canary"), "{help}");
}
