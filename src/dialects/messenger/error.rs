//! Errors of document 002: `{"code","message"}`. Over HTTP the status equals the code; an error frame has a type as
//! well.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Error, Field};

/// The body of an error.
#[derive(Serialize, ToSchema)]
#[schema(as = messenger::ErrorBody, example = json!({"code": 404, "message": "聊天室不存在"}))]
pub(super) struct ErrorBody {
    /// The HTTP status.
    code: u16,
    /// The reason.
    message: String,
}

/// The response for an error.
pub(super) fn body(error: &Error, _: &HttpRequest) -> HttpResponse {
    let code = error.kind().status();
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).json(ErrorBody { code, message: text(error) })
}

pub(super) fn text(error: &Error) -> String {
    let text = match error {
        Error::Malformed(_) => "请求格式不正确",
        Error::Missing(field) => return format!("缺少参数: {}", name(*field)),
        Error::Invalid(field) => return format!("参数无效: {}", name(*field)),
        Error::Length { field, min, max } => return format!("{} 的长度必须在 {min} 到 {max} 之间", name(*field)),
        Error::WeakPassword => "密码过于简单",
        Error::GlobalRoom => "不能离开全局聊天室",
        Error::DirectRoom => "不能与自己私聊",
        Error::PermanentRoom => "不能删除该聊天室",
        Error::Unauthenticated => "未授权或 token 无效",
        Error::BadCredentials => "用户名或密码错误",
        Error::WrongPassword => "密码错误",
        Error::Forbidden | Error::Removed => "没有执行该操作的权限",
        Error::Blocked => "对方已将你屏蔽",
        Error::Unacquainted => "只有与该用户同在一个聊天室的人才能邀请对方",
        Error::TooManyBlocked => "屏蔽的用户过多",
        Error::RoomNotFound => "聊天室不存在",
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
        Error::TooLarge { .. } => "请求体过大",
        Error::UnsupportedType => "请求体必须是 application/json",
        Error::RateLimited { .. } => "请求过于频繁，请稍后再试",
        Error::TooManyRooms => "加入的房间数量已达上限",
        Error::SlowMode { .. } => "聊天室已开启慢速模式，请稍后再发",
        Error::Unavailable(_) => "服务暂时不可用，请稍后重试",
        Error::StorageFull => "服务器存储空间不足",
        Error::Internal(_) => "服务器内部错误",
    };
    text.to_owned()
}

/// The parameter's name in this document.
fn name(field: Field) -> &'static str {
    match field {
        Field::Limit => "page_size",
        Field::Before | Field::After | Field::Cursor => "page",
        Field::File => "file_url",
        other => other.name(),
    }
}
