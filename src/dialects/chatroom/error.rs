//! Errors of document 003: `{"detail"}` in Chinese.

use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Error, Field};

/// The body of an error.
#[derive(Serialize, ToSchema)]
pub(super) struct Detail {
    /// The reason.
    #[schema(example = "具体的错误信息描述")]
    detail: String,
}

/// The response for an error.
pub(super) fn body(error: &Error, _: &HttpRequest) -> HttpResponse {
    HttpResponse::build(error.status_code()).json(Detail { detail: detail(error) })
}

fn detail(error: &Error) -> String {
    let text = match error {
        Error::Malformed(_) => "请求参数错误或格式不正确",
        Error::Missing(field) => return format!("缺少参数: {}", name(*field)),
        Error::Invalid(Field::ReplyTo) => "回复的消息不存在",
        Error::Invalid(Field::FileName) => "文件名无效",
        Error::Invalid(field) => return format!("参数无效: {}", name(*field)),
        Error::Length { field, min, max } => {
            return format!("{}长度必须在{min}到{max}个字符之间", title(*field));
        }
        Error::WeakPassword => "密码过于简单",
        Error::GlobalRoom => "不能离开全局聊天室",
        Error::DirectRoom => "私聊不能变更成员",
        Error::PermanentRoom => "不能删除该聊天室",
        Error::Unauthenticated | Error::BadCredentials => "未提供有效的JWT Token",
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
        Error::UserNotFound => "用户不存在",
        Error::UserOffline => "用户不在线",
        Error::NotFound => "请求的资源不存在",
        Error::MethodNotAllowed => "请求方法不允许",
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
        Error::TooLarge { max_bytes } if *max_bytes >= 1024 * 1024 => {
            return format!("上传的文件超过大小限制 ({}MB)", max_bytes / (1024 * 1024));
        }
        Error::TooLarge { max_bytes } => return format!("请求体超过大小限制 ({}KB)", max_bytes / 1024),
        Error::UnsupportedType => "上传的文件类型不在允许列表中",
        Error::RateLimited { .. } => "请求过于频繁，请稍后再试",
        Error::TooManyRooms => "加入的聊天室数量已达上限",
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
        Field::RoomName => "room_name",
        Field::FileName => "filename",
        other => other.name(),
    }
}

/// The field's name for people.
fn title(field: Field) -> &'static str {
    match field {
        Field::Content => "消息内容",
        Field::RoomName => "聊天室名称",
        Field::Description => "聊天室描述",
        Field::FileName => "文件名",
        other => name(other),
    }
}
