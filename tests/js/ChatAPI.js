class ChatAPI {
  constructor(baseURL, token) {
    this.baseURL = baseURL;
    this.token = token;
    this.headers = {
      'Authorization': `Bearer ${token}`,
      'Content-Type': 'application/json'
    };
  }

  // 发送消息
  async sendMessage(content, roomId = 'global', replyTo = null) {
    const response = await fetch(`${this.baseURL}/api/chat/send?room_id=${roomId}`, {
      method: 'POST',
      headers: this.headers,
      body: JSON.stringify({
        message_type: 'text',
        content: content,
        reply_to: replyTo
      })
    });
    return await response.json();
  }

  // 获取消息历史
  async getMessages(roomId = 'global', limit = 50, before = null) {
    let url = `${this.baseURL}/api/chat/messages?room_id=${roomId}&limit=${limit}`;
    if (before) url += `&before=${before}`;
    
    const response = await fetch(url, {
      headers: { 'Authorization': `Bearer ${this.token}` }
    });
    return await response.json();
  }

  // 上传文件
  async uploadFile(file, roomId = 'global') {
    const formData = new FormData();
    formData.append('file', file);
    formData.append('room_id', roomId);
    
    const response = await fetch(`${this.baseURL}/api/chat/upload`, {
      method: 'POST',
      headers: { 'Authorization': `Bearer ${this.token}` },
      body: formData
    });
    return await response.json();
  }

  // 获取在线用户
  async getOnlineUsers() {
    const response = await fetch(`${this.baseURL}/api/chat/online-users`, {
      headers: { 'Authorization': `Bearer ${this.token}` }
    });
    return await response.json();
  }

  // 心跳检测
  async heartbeat() {
    const response = await fetch(`${this.baseURL}/api/chat/heartbeat`, {
      method: 'POST',
      headers: { 'Authorization': `Bearer ${this.token}` }
    });
    return await response.json();
  }
}
