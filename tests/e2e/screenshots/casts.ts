// The people of the screenshots and what they write, in English and in Chinese.

type Line = [sender: string, text: string];

export interface Cast {
  locale: string;
  /** Texts of the client that the screenshots click. */
  texts: { members: string };
  me: string;
  others: string[];
  group: string;
  inGroup: Line[];
  afterPictures: Line[];
  typing: string;
  friend: string;
  withFriend: Line[];
  /** Part of a message that is searched for. */
  sought: string;
  /** Parts of messages of the group that are reacted to, pinned and edited. */
  liked: string;
  pinned: string;
  edited: { before: string; after: string };
  /** Somebody who deletes the account, and the last words. */
  gone: Line;
  /** Further conversations and their last messages; a long one has so many more before that not all are loaded. */
  more: { name: string; isGroup: boolean; lines: Line[]; isUnread: boolean; isLong?: boolean }[];
}

export const english: Cast = {
  locale: "en-GB",
  texts: { members: "Members" },
  me: "Maya Fischer",
  others: ["Tom Adeyemi", "Priya Nair", "Jonas Berg", "李雷", "Sofia Marin"],
  group: "Weekend hikes",
  inGroup: [
    ["Priya Nair", "The forecast for Saturday is lovely: dry, 16 degrees, hardly any wind."],
    ["Priya Nair", "Shall we do the ridge at last?"],
    ["Tom Adeyemi", "Yes! The 7:40 train gets us to the trailhead by nine."],
    ["Maya Fischer", "I am in. I bring the stove and coffee"],
    ["李雷", "算我一个！我带午饭。"],
    [
      "Jonas Berg",
      "Packing list:\n- rain jacket\n- `2 l` of water\n- **warm** socks\n> Mind the sheep dogs.",
    ],
    ["Jonas Berg", "These are from last week, just before the lake:"],
  ],
  afterPictures: [
    ["Maya Fischer", "That light! Then it is settled: Saturday, 7:40, platform 4."],
    ["Tom Adeyemi", "Route and times are here: https://example.org/hikes/ridge"],
    ["Sofia Marin", "Wonderful! @Maya Fischer, I am so looking forward to it"],
  ],
  typing: "Priya Nair",
  sought: "train",
  liked: "forecast",
  pinned: "7:40 train",
  edited: {
    before: "I bring the stove and coffee",
    after: "I am in. I bring the stove, coffee and **cake**",
  },
  friend: "Priya Nair",
  withFriend: [
    ["Priya Nair", "Have you seen that the export works now?"],
    [
      "Maya Fischer",
      "Just tried it with the whole of last year: eleven seconds. Before, I gave up after ten minutes.",
    ],
    ["Priya Nair", "And it survives when a node goes down in the middle."],
    ["Priya Nair", "I pulled the plug twice to be sure"],
    ["Maya Fischer", "Of course you did."],
    ["Maya Fischer", "Shall I write the release notes?"],
    ["Priya Nair", "Please! I can look over them after lunch."],
    ["Maya Fischer", "Deal. You get a draft by one."],
  ],
  gone: ["Alex Wright", "It was a pleasure. This is the song that I told you about:"],
  more: [
    {
      name: "Project Alpha",
      isGroup: true,
      lines: [["Jonas Berg", "Staging is on the new version."]],
      isUnread: true,
      isLong: true,
    },
    {
      name: "Tom Adeyemi",
      isGroup: false,
      lines: [["Tom Adeyemi", "Lunch at half past twelve?"]],
      isUnread: true,
    },
    {
      name: "Book club",
      isGroup: true,
      lines: [["Sofia Marin", "Next up: The Dispossessed."]],
      isUnread: false,
    },
    { name: "李雷", isGroup: false, lines: [["Maya Fischer", "谢谢你的帮助！"]], isUnread: false },
    {
      name: "Jonas Berg",
      isGroup: false,
      lines: [["Maya Fischer", "The key is under the mat."]],
      isUnread: false,
    },
    {
      name: "Sofia Marin",
      isGroup: false,
      lines: [["Sofia Marin", "Ticket’s booked, see you on Friday"]],
      isUnread: false,
    },
  ],
};

export const chinese: Cast = {
  locale: "zh-CN",
  texts: { members: "成员" },
  me: "林晓",
  others: ["韩梅梅", "王建国", "陈思远", "Emma", "赵一鸣"],
  group: "周末徒步",
  inGroup: [
    ["韩梅梅", "周六天气很好：晴，十六度，几乎没有风。"],
    ["韩梅梅", "要不要去走山脊线？"],
    ["王建国", "好啊！坐七点四十的车，九点前就能到登山口。"],
    ["林晓", "我去。炉子和咖啡我来带"],
    ["Emma", "Count me in! I’ll bring lunch."],
    ["陈思远", "要带的东西：\n- 雨衣\n- `2 升` 水\n- **厚**袜子\n> 小心牧羊犬。"],
    ["陈思远", "上周在湖边拍的："],
  ],
  afterPictures: [
    ["林晓", "光线太美了！那就定了：周六七点四十，四号站台。"],
    ["王建国", "路线和时间在这里：https://example.org/hikes/ridge"],
    ["赵一鸣", "太好了 @林晓 已经开始期待了！"],
  ],
  typing: "韩梅梅",
  sought: "七点四十",
  liked: "天气很好",
  pinned: "七点四十的车",
  edited: { before: "炉子和咖啡", after: "我去。炉子、咖啡和**蛋糕**我来带" },
  friend: "韩梅梅",
  withFriend: [
    ["韩梅梅", "看到了吗？导出功能可以用了。"],
    ["林晓", "刚用去年一整年的数据试过：十一秒。以前等十分钟都没结果。"],
    ["韩梅梅", "中途有节点宕机也没问题。"],
    ["韩梅梅", "我拔了两次电源来确认"],
    ["林晓", "果然是你。"],
    ["林晓", "发布说明我来写？"],
    ["韩梅梅", "好，写完我下午看一遍。"],
    ["林晓", "一言为定，一点之前给你初稿。"],
  ],
  gone: ["孙悦", "很高兴认识你。这是我跟你说过的那首歌："],
  more: [
    {
      name: "阿尔法项目",
      isGroup: true,
      lines: [["陈思远", "预发布环境已经升级到新版本。"]],
      isUnread: true,
      isLong: true,
    },
    { name: "王建国", isGroup: false, lines: [["王建国", "十二点半一起吃饭？"]], isUnread: true },
    { name: "读书会", isGroup: true, lines: [["赵一鸣", "下一本：《三体》。"]], isUnread: false },
    { name: "Emma", isGroup: false, lines: [["林晓", "Thank you for your help!"]], isUnread: false },
    { name: "陈思远", isGroup: false, lines: [["林晓", "钥匙放在门垫下面了。"]], isUnread: false },
    { name: "赵一鸣", isGroup: false, lines: [["赵一鸣", "票订好了，周五见。"]], isUnread: false },
  ],
};
