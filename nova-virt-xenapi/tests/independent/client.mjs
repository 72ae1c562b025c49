// XCP-ng's own client on the simulator: fill its cache by events, start and stop a VM.
// Arguments: address, user, password, the VM's uuid. Writes one line of JSON.
import { createClient } from 'xen-api'

const [address, user, password, uuid] = process.argv.slice(2)
const client = createClient({
  allowUnauthorized: true,
  auth: { user, password },
  url: address,
})

function until(what) {
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => {
      const vm = client.objects.all[client.getObjectByUuid(uuid, {}).$id]
      if (vm?.power_state === what) {
        clearInterval(timer)
        resolve()
      }
    }, 20)
    setTimeout(() => reject(new Error(`waited in vain for ${what}`)), 20000).unref()
  })
}

await client.connect()
await client.objectsFetched
const types = new Set(Object.values(client.objects.all).map(object => object.$type))
const vm = client.getObjectByUuid(uuid)
await client.callAsync('VM.start', vm.$ref, false, false)
await until('Running')
await client.callAsync('VM.hard_shutdown', vm.$ref)
await until('Halted')
const label = await client.getField('VM', vm.$ref, 'name_label')
await client.disconnect()
console.log(JSON.stringify({ types: [...types].sort(), label }))
process.exit(0)
