//! Errors of document 001: `{"code","message","error"}`. The HTTP status equals the code.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Error, Field, Kind};

/// The body of an error.
#[derive(Serialize, ToSchema)]
#[schema(as = envelope::ErrorBody, example = json!({"code": 401, "message": "登录失败", "error": "邮箱或密码错误"}))]
pub(super) struct ErrorBody {
    /// The HTTP status.
    code: u16,
    /// The class of the error.
    message: &'static str,
    /// The reason.
    error: String,
}

/// The response for an error.
pub(super) fn body(error: &Error, _: &HttpRequest) -> HttpResponse {
    let code = code(error);
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).json(ErrorBody::of(error))
}

impl ErrorBody {
    /// The body for an error; also the error frame of the WebSocket.
    pub(super) fn of(error: &Error) -> Self {
        Self { code: code(error), message: message(error), error: detail(error) }
    }
}

/// This document answers 400 to a taken name or address.
fn code(error: &Error) -> u16 {
    match error {
        Error::NameTaken | Error::EmailTaken => 400,
        other => other.kind().status(),
    }
}

fn message(error: &Error) -> &'static str {
    if let Error::BadCredentials = error {
        return "登录失败";
    }
    match error.kind() {
        Kind::BadRequest => "请求参数错误",
        Kind::Unauthorized => "未授权或 token 无效",
        Kind::Forbidden => "权限不足",
        Kind::NotFound => "资源不存在",
        Kind::MethodNotAllowed => "请求方法不允许",
        Kind::Conflict if code(error) == 400 => "请求参数错误",
        Kind::Conflict => "请求冲突",
        Kind::TooLarge => "请求体过大",
        Kind::UnsupportedType => "不支持的内容类型",
        Kind::RateLimited => "请求过于频繁",
        Kind::Internal => "服务器内部错误",
        Kind::Unavailable => "服务暂时不可用",
        Kind::StorageFull => "存储空间不足",
    }
}

fn detail(error: &Error) -> String {
    let text = match error {
        Error::Malformed(_) => "请求格式不正确",
        Error::Missing(field) => return format!("缺少参数: {}", name(*field)),
        Error::Invalid(field) => return format!("参数无效: {}", name(*field)),
        Error::Length { field, min, max } => return format!("{} 的长度必须在 {min} 到 {max} 之间", name(*field)),
        Error::WeakPassword => "密码过于简单，容易被猜到",
        Error::GlobalRoom => "不能离开全局聊天室",
        Error::DirectRoom => "私聊只能有两名成员，且不能与自己私聊",
        Error::PermanentRoom => "不能删除该聊天室",
        Error::Unauthenticated => "token 缺失、无效或已过期",
        Error::BadCredentials => "邮箱或密码错误",
        Error::WrongPassword => "密码错误",
        Error::Forbidden | Error::Removed => "没有执行该操作的权限",
        Error::Blocked => "对方已将你屏蔽",
        Error::Unacquainted => "只有与该用户同在一个聊天室的人才能邀请对方",
        Error::TooManyBlocked => "屏蔽的用户过多",
        Error::RoomNotFound => "群组不存在",
        Error::MessageNotFound => "消息不存在",
        Error::NotEditable => "无法编辑此消息",
        Error::AddressRefused => "服务器不向此地址发送请求",
        Error::TooManyReactions => "此消息的回应过多",
        Error::TooManyPins => "置顶消息过多",
        Error::TooLate => "消息发送已久，无法再编辑",
        Error::UserNotFound | Error::UserOffline => "用户不存在",
        Error::NotFound => "请求的资源不存在",
        Error::MethodNotAllowed => "该资源不支持此方法",
        Error::RegistrationClosed => "注册已关闭",
        Error::InviteRequired => "注册需要邀请码",
        Error::InviteInvalid => "邀请码无效、已过期或已用完",
        Error::LinkInvalid => "邀请链接无效或已被撤销",
        Error::LinkExpired => "邀请链接已过期",
        Error::LinkUsedUp => "邀请链接的使用次数已用完",
        Error::TooManyLinks => "邀请链接过多",
        Error::NameTaken => "用户名已存在",
        Error::EmailTaken => "邮箱已存在",
        Error::ClientIdReused => "该消息标识已用于其他消息",
        Error::TooLarge { max_bytes } => return format!("超过 {} KB", max_bytes / 1024),
        Error::UnsupportedType => "请求体必须是 application/json",
        Error::RateLimited { .. } => "请稍后再试",
        Error::TooManyRooms => "加入的群组数量已达上限",
        Error::SlowMode { .. } => "聊天室已开启慢速模式，请稍后再发",
        Error::Unavailable(_) => "请稍后重试",
        Error::StorageFull => "服务器存储空间不足，暂时无法保存新内容",
        Error::Internal(_) => "请联系管理员",
    };
    text.to_owned()
}

/// The parameter's name in this document.
fn name(field: Field) -> &'static str {
    match field {
        Field::MessageType => "type",
        Field::RoomId => "group_id",
        Field::Before | Field::After | Field::Cursor => "offset",
        Field::FileName => "file",
        other => other.name(),
    }
}
