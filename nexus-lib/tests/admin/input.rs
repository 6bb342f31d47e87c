use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request};
use http_body::Frame;
use http_body_util::StreamBody;

use crate::client::Admin;

#[tokio::test]
async fn malformed_json_is_reported_with_line_and_column() {
    let admin = Admin::new().await;
    admin.provider("a").await;
    for (method, path) in [
        (Method::POST, "/providers"),
        (Method::PUT, "/providers/1"),
        (Method::POST, "/provider_models"),
    ] {
        let body = "{\n  \"name\": 5,\n  \"server_key\": canary }";
        let answer = admin.request(method, path, body).await;
        answer.assert_error(400, "invalid_request", None);
        let message = answer.json()["error"]["message"].to_string();
        assert!(message.contains("line 3, column 17"), "{message}");
    }
    let answer = admin.request(Method::POST, "/providers", "").await;
    answer.assert_error(400, "invalid_request", None);
}

#[tokio::test]
async fn what_is_no_object_is_unprocessable() {
    let admin = Admin::new().await;
    for body in ["[]", "null", r#"["n","openai","https://h","","k"]"#] {
        let answer = admin.request(Method::POST, "/providers", body).await;
        answer.assert_error(422, "invalid_field", None);
    }
}

#[tokio::test]
async fn types_that_a_page_may_send_unasked_are_refused_and_unknown_fields_are_ignored() {
    let admin = Admin::new().await;
    let send = async |media: &str, browser: bool| {
        let mut request = Request::post("/providers")
            .header("host", "localhost")
            .header("content-type", media);
        if browser {
            request = request
                .header("origin", "http://localhost")
                .header("sec-fetch-site", "same-origin");
        }
        let body = http_body_util::Full::new(Bytes::from("{}"));
        admin.send(request.body(body).unwrap()).await
    };
    for (media, browser) in [
        ("text/plain", false),
        ("text/plain;charset=UTF-8", true),
        ("multipart/form-data; boundary=x", false),
        ("application/x-www-form-urlencoded", true),
    ] {
        let answer = send(media, browser).await;
        answer.assert_error(415, "unsupported_media_type", None);
    }
    // The type that `curl -d` sends by default.
    let answer = send("application/x-www-form-urlencoded", false).await;
    answer.assert_error(422, "invalid_field", Some("name"));
    let body = r#"{"name":"n","server_url":"http://h","server_key":"","personalized_key":"k","id":9,"x":[{}]}"#;
    let request = Request::post("/providers")
        .header("host", "localhost")
        .body(http_body_util::Full::new(Bytes::from(body)))
        .unwrap();
    let answer = admin.send(request).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json()["id"], 1);
}

#[tokio::test]
async fn body_over_one_mebibyte_is_refused() {
    let admin = Admin::new().await;
    let fits = format!("{{}}{}", " ".repeat(1024 * 1024 - 2));
    let answer = admin.request(Method::POST, "/providers", &fits).await;
    answer.assert_error(422, "invalid_field", Some("name"));
    let over = fits + " ";
    let answer = admin.request(Method::POST, "/providers", &over).await;
    answer.assert_error(413, "request_too_large", None);
    assert!(answer.text.contains("1048576 bytes"), "{}", answer.text);

    // Also without a declared length.
    let chunks = std::iter::repeat_n(Bytes::from(vec![b' '; 65536]), 17);
    let frames = chunks.map(|chunk| Ok::<_, std::io::Error>(Frame::data(chunk)));
    let request = Request::post("/providers")
        .header("host", "localhost")
        .body(StreamBody::new(stream::iter(frames)))
        .unwrap();
    let answer = admin.send(request).await;
    answer.assert_error(413, "request_too_large", None);
}

#[tokio::test]
async fn body_that_breaks_off_changes_nothing() {
    let admin = Admin::new().await;
    let frames = [
        Ok(Frame::data(Bytes::from_static(b"{\"name\":"))),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    let request = Request::post("/providers")
        .header("host", "localhost")
        .body(StreamBody::new(stream::iter(frames)))
        .unwrap();
    let answer = admin.send(request).await;
    answer.assert_error(400, "invalid_request", None);
    assert_eq!(admin.get("/providers").await.text, r#"{"providers":[]}"#);
}
