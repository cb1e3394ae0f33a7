//! The error of a FILE_RESULT as JSON, in the fields that JavaScript gives to http-errors.
//! It must not choose a status or a text: those come from `files`.

use crate::files::Failure;

/// The error of a FILE_RESULT: what JavaScript makes an error of http-errors from.
pub(super) fn failure_json(failure: &Failure) -> String {
    let pairs = |lines: &crate::files::Lines| {
        lines
            .iter()
            .map(|(name, value)| serde_json::json!([name, value]))
            .collect::<Vec<_>>()
    };
    let cause = failure.cause.as_ref().map(|cause| {
        serde_json::json!({
            "message": cause.message(),
            "errno": cause.errno,
            "code": cause.code,
            "syscall": cause.syscall,
            "path": cause.path,
        })
    });
    serde_json::json!({
        "status": failure.status,
        "headers": pairs(&failure.headers),
        "errorHeaders": pairs(&failure.error_headers),
        "cause": cause,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::failure_json;
    use crate::files::Failure;

    #[test]
    fn errors_as_json() {
        let failure = Failure {
            status: 416,
            headers: crate::files::Lines::default(),
            error_headers: crate::files::Lines::default(),
            cause: None,
        };
        assert_eq!(
            failure_json(&failure),
            r#"{"cause":null,"errorHeaders":[],"headers":[],"status":416}"#
        );
    }
}
