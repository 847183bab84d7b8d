-- Functions about mentions. The JSON of a record that mentions somebody ends with `,"at":[3,0],"as":["bob","all"]}`: numbers of
-- users, 0 for all members, and their names as the text has them. No text reads like this, because its quotes are escaped.

-- Returns whom a text mentions: at each place the first of the named who is a member, all members if the sender may mention
-- them. `named` is {place, user, name as JSON, …}. The lists are the users, their names, and which of the named they are.
local function find_mentions(named, room, admins, members, sender)
  local users, names, mentioned, is_done = {}, {}, {}, {}
  for i = 1, #named, 3 do
    local place, user, name = named[i], named[i + 1], named[i + 2]
    local mention, counts = user .. name, false
    if not is_done[place] then
      counts = is_done[mention]
        or user == '0' and leads(room, admins, members, sender)
        or redis.call('ZSCORE', members, user)
    end
    if counts and not is_done[mention] then
      users[#users + 1], names[#names + 1], mentioned[#mentioned + 1] = user, name, (i + 2) / 3
    end
    if counts then is_done[place], is_done[mention] = true, true end
  end
  return users, names, mentioned
end

-- Returns the lists of users and names as the end of a record has them, behind their comma.
local function mentions_as_json(users, names)
  return '"at":[' .. table.concat(users, ',') .. '],"as":[' .. table.concat(names, ',') .. ']}'
end

-- Adds to a record whom its text mentions. Returns the record and which of the named it mentions.
local function add_mentions(record, named, room, admins, members, sender)
  local users, names, mentioned = find_mentions(named, room, admins, members, sender)
  if #users == 0 then return record, mentioned end
  return string.sub(record, 1, -2) .. ',' .. mentions_as_json(users, names), mentioned
end

-- Returns the numbers of the users whom a record mentions, with commas between them; '' for nobody.
local function mentioned_users(record)
  return string.match(record, ',"at":%[([%d,]+)%]') or ''
end

-- Returns the same of a message whose mentions an edit has changed, from the value of that amendment.
local function users_of_change(value)
  return string.match(value, '^%d+ %d+ ([%d,]*)$') or ''
end

-- Returns both lists of a record as JSON.
local function mentions_in(record)
  return '{' .. (string.match(record, ',("at":%[[%d,]+%],"as":%[.*%]})$') or mentions_as_json({}, {}))
end

-- Returns whether these users include one, alone or with all members.
local function does_mention(users, user)
  if users == '' then return false end
  users = ',' .. users .. ','
  return string.find(users, ',' .. user .. ',', 1, true) or string.find(users, ',0,', 1, true)
end
