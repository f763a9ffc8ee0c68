//! Requests as the bytes that go over the wire: built once, sent many times.

use bytes::Bytes;
use serde_json::Value;

use crate::target::Target;

/// `GET` of a path below the target's.
pub(crate) fn get(target: &Target, path: &str, headers: &[String]) -> Bytes {
    let mut request = head("GET", target, path, headers);
    request.push_str("\r\n");
    request.into()
}

/// `POST` of a JSON body to a path below the target's.
pub(crate) fn post(target: &Target, path: &str, headers: &[String], body: &Value) -> Bytes {
    let body = body.to_string();
    let mut request = head("POST", target, path, headers);
    request.push_str("Content-Type: application/json\r\nContent-Length: ");
    request.push_str(&body.len().to_string());
    request.push_str("\r\n\r\n");
    request.push_str(&body);
    request.into()
}

fn head(method: &str, target: &Target, path: &str, headers: &[String]) -> String {
    let path = match (target.base(), path) {
        ("", "") => "/",
        (_, path) => path,
    };
    let mut head = format!("{method} {}{path} HTTP/1.1\r\nHost: {}\r\n", target.base(), target.authority());
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_get_ends_with_an_empty_line() {
        let target = "http://h:1/api/v1".parse().unwrap();
        let request = get(&target, "/sessions/7?limit=50", &["X-Tenant-Id: t".to_owned()]);
        assert_eq!(request, "GET /api/v1/sessions/7?limit=50 HTTP/1.1\r\nHost: h:1\r\nX-Tenant-Id: t\r\n\r\n");
    }

    #[test]
    fn the_path_is_never_empty() {
        assert!(get(&"http://h:1".parse().unwrap(), "", &[]).starts_with(b"GET / HTTP/1.1\r\n"));
    }

    #[test]
    fn the_length_of_a_body_is_counted_in_bytes() {
        let request = post(&"http://h:1".parse().unwrap(), "/x", &[], &json!({"a": "ü"}));
        let wanted = "POST /x HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"a\":\"ü\"}";
        assert_eq!(request, wanted);
    }
}
